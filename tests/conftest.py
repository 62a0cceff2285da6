"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A law holds however slow the machine is.
settings.register_profile("nak", deadline=None)
settings.load_profile("nak")

ROOT = Path(__file__).resolve().parent.parent


def find_shared() -> Path | None:
    """The folder with the real kernel and the real mails: ``$NAK_SHARED``, then ``../shared``."""
    for place in (os.environ.get("NAK_SHARED"), str(ROOT.parent / "shared")):
        if place and (Path(place) / "kernel").is_dir():
            return Path(place)
    return None


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared data, or a visible skip; a failure where the data is required."""
    place = find_shared()
    if place is None:
        reason = "no shared data: set NAK_SHARED or put it in ../shared"
        if os.environ.get("NAK_REQUIRE_SHARED") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return place


@pytest.fixture(autouse=True)
def _private_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the user's git config, cache or config."""
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "gitconfig"))
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def kernel(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real kernel, unpacked once for the run."""
    import tarfile

    place = tmp_path_factory.mktemp("kernel")
    with tarfile.open(shared / "kernel" / "linux-7.3.4-kvm-tdx.tar.xz") as archive:
        archive.extractall(place, filter="data")
    return place / "linux-7.3.4"
