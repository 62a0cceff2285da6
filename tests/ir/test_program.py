"""Which definition a name means, by file, linkage and architecture."""

from __future__ import annotations

import pytest

from analyzer.ir.program import Definition, Key, Program, Prototype
from analyzer.ir.types import Param


def defined(path: str, *, static: bool = False, kind: str = "function", weak: bool = False) -> Definition:
    return Definition("f", path, 1, 3, static, kind, frozenset(), 0, weak)


def program(*definitions: Definition) -> Program:
    keys = tuple(d.key for d in definitions)
    return Program({d.key: d for d in definitions}, {"f": keys}, {}, tuple, {}, lambda key: None)


@pytest.mark.parametrize(
    ("definitions", "path", "meant"),
    [
        ([defined("a.c", static=True)], "a.c", ["a.c"]),
        ([defined("a.c", static=True)], "b.c", []),
        ([defined("a.c")], "b.c", ["a.c"]),
        ([defined("a.c", static=True), defined("b.c")], "a.c", ["a.c"]),
        ([defined("a.c", static=True), defined("b.c")], "c.c", ["b.c"]),
        ([defined("a.h", static=True, kind="macro")], "b.c", ["a.h"]),
        ([defined("a.c", static=True, kind="macro")], "b.c", []),
        ([defined("virt/a.c", weak=True), defined("arch/x86/b.c")], "virt/c.c", ["arch/x86/b.c"]),
        ([defined("arch/x86/a.c"), defined("arch/arm64/a.c")], "arch/x86/b.c", ["arch/x86/a.c"]),
        ([defined("arch/arm64/a.c")], "arch/x86/b.c", []),
        ([defined("inc/a.h", static=True), defined("virt/b.c")], "virt/c.c", ["virt/b.c"]),
        ([defined("x/a.h", static=True), defined("y/a.h", static=True)], "y/b.c", ["y/a.h"]),
    ],
)
def test_resolve(definitions: list[Definition], path: str, meant: list[str]) -> None:
    assert [key[0] for key in program(*definitions).resolve("f", path)] == meant


def test_an_unknown_name_means_nothing() -> None:
    assert program().resolve("g", "a.c") == ()


def test_functions_leave_out_what_cannot_be_lowered() -> None:
    key: Key = ("a.c", "f")
    assert list(program(defined("a.c")).functions([key])) == []


def test_whole() -> None:
    known = program()
    assert known.whole
    known.partial_files = frozenset({"a.c"})
    assert not known.whole


def test_the_shape_of_a_prototype_has_no_names() -> None:
    one = Prototype("f", "a.h", 1, "int", (Param("a", "u64"),), False, False)
    two = Prototype("f", "b.c", 9, "int", (Param("b", "u64"),), True, False)
    assert one.shape == two.shape
