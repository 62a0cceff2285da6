from __future__ import annotations

import sys
import types
from dataclasses import dataclass
from pathlib import Path

import pytest

from analyzer.core.finding import Provenance
from ci import rules_md


@dataclass(frozen=True)
class FakeRule:
    id: str = "kvm-x-left-open"
    summary: str = "An ``x`` | is left open."
    doc: str = "An ``x`` | is left open.\n\n``x_open()`` needs ``x_close()``.\n"
    severity: str = "error"
    stage: str = "trial"
    scope: tuple[str, ...] = ("virt/kvm/*.c",)
    provenance: tuple[Provenance, ...] = (
        Provenance("mail", "m1@example.org", "A. Maintainer", "2026-01-16", "never"),
        Provenance("doc", "Documentation/x.rst"),
    )
    catalog: int = 7
    bad: tuple[str, ...] = ("\n    int bad(void)\n    {\n            return 1;  // expect\n    }\n    ",)
    good: tuple[str, ...] = ("int a;", "int b;")


SECTION = """\
## kvm-x-left-open

error, trial; number 7 of the catalog.

**An `x` | is left open.**

`x_open()` needs `x_close()`.

Scope: `virt/kvm/*.c`

Stated in:

- mail: A. Maintainer, 2026-01-16, <https://lore.kernel.org/r/m1@example.org>: never
- doc: `Documentation/x.rst`

Bad:

```c
int bad(void)
{
        return 1;  // expect
}
```

Good 1:

```c
int a;
```

Good 2:

```c
int b;
```
"""


def test_a_rule_in_full() -> None:
    page = rules_md.render([FakeRule()])
    assert page.endswith(SECTION)
    assert "| [kvm-x-left-open](#kvm-x-left-open) | error | trial | An `x` \\| is left open. |\n" in page


def test_rules_stand_by_id() -> None:
    assert rules_md.render([FakeRule("b"), FakeRule("a")]) == rules_md.render([FakeRule("a"), FakeRule("b")])


def test_check_fails_on_a_stale_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = types.ModuleType("analyzer.engine.registry")
    monkeypatch.setattr(registry, "load_rules", lambda package: (FakeRule(),), raising=False)
    monkeypatch.setitem(sys.modules, "analyzer.engine.registry", registry)
    page = tmp_path / "RULES.md"
    assert rules_md.main(["--check"], page) == 1
    assert rules_md.main([], page) == 0
    assert rules_md.main(["--check"], page) == 0
    page.write_text(page.read_text() + "edited\n")
    assert rules_md.main(["--check"], page) == 1
