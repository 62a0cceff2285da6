"""Every step says where it was read, and the place exists."""

from __future__ import annotations

import re
import tarfile
from pathlib import Path

from analyzer.model.kvm_tdx.build import build
from analyzer.model.kvm_tdx.mutations import MUTATIONS
from analyzer.model.kvm_tdx.scope import SCOPES
from analyzer.model.kvm_tdx.sources import SOURCES


def test_every_step_has_a_source_and_every_source_a_step() -> None:
    machines = [build(scope) for scope, _ in SCOPES.values()] + [build(m.scope, m.protocol) for m in MUTATIONS]
    used = {move.source for machine in machines for move in machine.moves}
    assert used == set(SOURCES)


def test_functions_exist_in_the_kernel(shared: Path) -> None:
    wanted = [s for s in SOURCES.values() if s.mail is None and not s.module]
    texts = {}
    with tarfile.open(shared / "kernel" / "linux-7.3.4-kvm-tdx.tar.xz") as archive:
        for member in archive:
            path = member.name.split("/", 1)[-1]
            file = archive.extractfile(member) if path in {s.file for s in wanted} else None
            if file is not None:
                texts[path] = file.read().decode()
    assert [str(s) for s in wanted if not defined(s.function, texts.get(s.file, ""))] == []


def defined(function: str, text: str) -> bool:
    return re.search(rf"^(#define |\w.*\b){function}\(", text, re.MULTILINE) is not None
