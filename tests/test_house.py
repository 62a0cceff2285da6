"""The shape of the house: sizes, docstrings, one home for each library, complete rules, fresh pages."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MODULE_LINES = 400
FUNCTION_LINES = 40
RULE_ID = re.compile(r"(kvm|tdx|series)(-[a-z0-9]+)+")
MESSAGE_ID = re.compile(r"[\w.+=-]*\d[\w.+=-]*@[\w-]+(\.[\w-]+)+")

# Third-party library -> the only rooms (or modules) of the analyzer that may import it.
HOMES = {
    "clang": ("analyzer.frontend",),
    "click": ("analyzer.cli",),
    "git": ("analyzer.tree",),
    "networkx": ("analyzer.callgraph", "analyzer.graphs"),
    "numpy": ("analyzer.model.engines",),
    "tree_sitter": ("analyzer.frontend",),
    "tree_sitter_c": ("analyzer.frontend",),
}


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


ANALYZER, RULES = modules("analyzer"), modules("rules")
CODE = [*ANALYZER, *RULES]
ALL = [*CODE, *modules("tests", "ci")]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body, the docstring left out."""
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_modules_are_small() -> None:
    sizes = {named(path): len(path.read_text(encoding="utf-8").splitlines()) for path in ALL}
    assert {name: size for name, size in sizes.items() if size > MODULE_LINES} == {}


def test_functions_are_small() -> None:
    sizes = {f"{named(path)}:{node.name}": length(node) for path in ALL for node in functions(path)}
    assert {name: size for name, size in sizes.items() if size >= FUNCTION_LINES} == {}


def test_modules_say_what_they_own() -> None:
    first = {named(path): (ast.get_docstring(tree(path)) or "").split("\n")[0].strip() for path in CODE}
    assert [name for name, line in first.items() if not line] == []


def test_libraries_stay_at_home() -> None:
    strays = [f"{named(path)}: {name}" for path in ANALYZER for name in imports(path) if not at_home(path, name)]
    assert strays == []


def at_home(path: Path, name: str) -> bool:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    homes = HOMES.get(name.split(".")[0])
    return homes is None or any(module == home or module.startswith(home + ".") for home in homes)


def test_no_rule_and_no_code_steers_by_a_message_id() -> None:
    """A mail is named where a rule says where it was stated, and nowhere else."""
    assert [f"{named(path)}: {text}" for path in CODE for text in strings(tree(path)) if MESSAGE_ID.search(text)] == []


def strings(node: ast.AST) -> Iterator[str]:
    """All string constants but those inside a ``Provenance(...)`` call."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Provenance":
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for child in ast.iter_child_nodes(node):
        yield from strings(child)


def test_the_search_for_message_ids_works() -> None:
    steering = ast.parse('X = Provenance("mail", "2026.1-a@x.org"); Y = message.id == "2026.1-a@x.org"')
    assert [text for text in strings(steering) if MESSAGE_ID.search(text)] == ["2026.1-a@x.org"]


@cache
def rules() -> tuple[Any, ...]:
    from analyzer.engine.registry import load_rules

    return tuple(load_rules("rules"))


def rule_files() -> list[Path]:
    folders = ("kvm", "tdx", "series")
    return [path for folder in folders for path in modules(f"rules/{folder}") if path.name[0] != "_"]


def test_every_rule_file_is_loaded_under_its_own_name() -> None:
    names = {f"{path.parent.name}-{path.stem.replace('_', '-')}" for path in rule_files()}
    assert names
    assert {rule.id for rule in rules()} == names


def test_every_rule_is_complete() -> None:
    lacking = [
        rule.id
        for rule in rules()
        if not (RULE_ID.fullmatch(rule.id) and rule.summary and rule.doc and rule.scope and rule.bad and rule.good)
    ]
    assert lacking == []


def test_every_rule_says_where_it_was_stated() -> None:
    kinds = {(rule.id, source.kind) for rule in rules() for source in rule.provenance}
    assert {rule_id for rule_id, _ in kinds} == {rule.id for rule in rules()}
    assert {kind for _, kind in kinds} <= {"mail", "doc", "commit"}
    assert [rule.id for rule in rules() if not all(source.ref for source in rule.provenance)] == []


def test_every_bad_example_is_marked_and_no_good_one_is() -> None:
    wrong = [rule.id for rule in rules() if not all("expect" in text for text in rule.bad)]
    wrong += [rule.id for rule in rules() if any("// expect" in text for text in rule.good)]
    assert wrong == []


def test_the_page_of_rules_is_fresh() -> None:
    from ci import rules_md

    assert rules_md.PAGE.read_text(encoding="utf-8") == rules_md.render(rules())


def test_the_licence_and_the_version_are_named_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["license"] == "GPL-2.0-or-later"
    assert "version" in project["dynamic"]
    assert (ROOT / "COPYING").read_text().lstrip().startswith("GNU GENERAL PUBLIC LICENSE")
