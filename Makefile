# Everything happens in this checkout: a .venv and what is installed into it, nothing global.

PYTHON ?= python3
WORKERS ?= 2
DEMO ?= corpus/series/map-leaf-folio-check

VENV := .venv
BIN := $(VENV)/bin
MADE := $(VENV)/made-in
USE := $(VENV)/installed
DEV := $(VENV)/installed-dev
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

unexport PYTHONPATH PYTHONHOME PIP_USER

.PHONY: help install dev demo test ci bench clean

help:
	@echo 'make demo    review a small series of the corpus'
	@echo 'make test    run the tests'
	@echo 'make ci      run every gate of ci/gates'
	@echo 'make bench   measure the speed against its references'
	@echo 'make clean   remove what the other targets made'
	@echo 'PYTHON=...   the interpreter to use, 3.11 or newer (now: $(PYTHON))'

install: $(USE)

dev: $(DEV)

# A checkout that was moved or copied gets a new .venv: the old one points to the old place.
ifneq ($(shell cat $(MADE) 2>/dev/null),$(CURDIR))
.PHONY: $(MADE)
endif

$(MADE):
	@command -v git >/dev/null || { echo 'git is missing: apt install git' >&2; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo '$(PYTHON) is missing: apt install python3 python3-venv' >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed: make PYTHON=python3.11 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo 'the venv module is missing: apt install python3-venv' >&2; exit 1; }
	@echo 'setting up $(VENV)'
	@$(PYTHON) -m venv --clear $(VENV)
	@pwd -P > $@

$(USE): pyproject.toml analyzer/__init__.py $(MADE)
	@echo 'installing nak into $(VENV)'
	@$(PIP) install --editable .
	@touch $@

$(DEV): pyproject.toml analyzer/__init__.py $(MADE)
	@echo 'installing nak and its development tools into $(VENV)'
	@$(PIP) install --editable '.[dev]'
	@touch $(USE) $@

# The series has defects on purpose: exit code 1 (findings) is the success of the demo.
demo: $(USE)
	@status=0; \
	XDG_CACHE_HOME="$(CURDIR)/$(VENV)/cache" $(BIN)/nak review $(DEMO)/*.patch --tree corpus/trees/minikvm || status=$$?; \
	if [ $$status -ne 1 ]; then \
		echo "demo: expected exit code 1 (findings), got $$status" >&2; exit 1; \
	fi; \
	echo; echo 'demo: findings as expected (exit code 1)'

test: $(DEV)
	@$(BIN)/python -m pytest -n $(WORKERS)

ci:
	@ci/run

bench: $(DEV)
	@$(BIN)/python ci/bench.py

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find analyzer rules tests ci -name __pycache__ -prune -exec rm -rf {} +
