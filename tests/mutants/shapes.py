"""Edits that operators share: statements put into functions, definitions put in front of them, values sent on ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.kernel.edits import Edit
from tests.kernel.places import TDX, TDX_H, WRAPPERS
from tests.mutants.sources import Sources


def with_statement(text: str, statement: str) -> str:
    """A definition with a statement behind its declarations."""
    body = text.index("{\n") + 2
    gap = text.find("\n\n", body)
    if gap >= 0:
        return text[: gap + 2] + f"\t{statement}\n\n" + text[gap + 2 :]
    return text[:body] + f"\t{statement}\n" + text[body:]


@dataclass(frozen=True, slots=True)
class Place:
    """A function that has a value under a name."""

    path: str
    function: str
    text: str
    value: str

    def edit(self, statement: str, definitions: str = "") -> Edit:
        """The function with a statement, and definitions in front of it."""
        before = f"{definitions.strip()}\n\n" if definitions else ""
        return Edit(self.path, self.text, before + with_statement(self.text, statement))


def frames(sources: Sources) -> Iterator[Place]:
    """Functions of TDX code that hold the PFN of guest memory, by the type they declare it with."""
    for path in (TDX, WRAPPERS):
        for name, text in sources.functions(path).items():
            found = re.search(r"\bkvm_pfn_t (\w+)(?=[,)]| = spte_to_pfn)", text)
            if found is not None:
                yield Place(path, name, text, found.group(1))


# How a number gets from a function to where it is used. {v} the value, {n} a fresh name, {use} the use of "frame".
WAYS: dict[str, tuple[str, str]] = {
    "here": ("", "{{ unsigned long frame = {v}; {use} }}"),
    "a helper": ("static void {n}(unsigned long frame)\n{{\n\t{use}\n}}", "{n}({v});"),
    "two helpers": (
        "static void {n}_inner(unsigned long frame)\n{{\n\t{use}\n}}\n\n"
        "static void {n}(u64 first, unsigned long number)\n{{\n\tif (first)\n\t\t{n}_inner(number);\n}}",
        "{n}(1, {v});",
    ),
    "a struct": (
        "struct {n}_arg {{\n\tunsigned long nr;\n\tint flags;\n}};\n\n"
        "static void {n}(struct {n}_arg *arg)\n{{\n\tunsigned long frame = arg->nr;\n\n\t{use}\n}}",
        "{{ struct {n}_arg arg = {{ .nr = {v} }}; {n}(&arg); }}",
    ),
    "an array": ("", "{{ unsigned long all[2] = {{ 0, {v} }}; unsigned long frame = all[1]; {use} }}"),
    "an out-parameter": (
        "static void {n}(unsigned long from, unsigned long *to)\n{{\n\t*to = from;\n}}",
        "{{ unsigned long frame; {n}({v}, &frame); {use} }}",
    ),
    "a result": (
        "static unsigned long {n}(unsigned long from)\n{{\n\treturn from + 1;\n}}",
        "{{ unsigned long frame = {n}({v}); {use} }}",
    ),
    "a callback": (
        "static void {n}(unsigned long frame)\n{{\n\t{use}\n}}\n\n"
        "static void {n}_each(unsigned long nr, void (*handler)(unsigned long))\n{{\n\thandler(nr);\n}}",
        "{n}_each({v}, {n});",
    ),
    "a table": (
        "static void {n}(unsigned long frame)\n{{\n\t{use}\n}}\n\n"
        "struct {n}_ops {{\n\tvoid (*{n}_note)(unsigned long nr);\n}};\n\n"
        "static const struct {n}_ops {n}_table = {{\n\t.{n}_note = {n},\n}};",
        "{n}_table.{n}_note({v});",
    ),
    "a macro": (
        "static void {n}_one(unsigned long frame)\n{{\n\t{use}\n}}\n\n#define {n}(nr) {n}_one(nr)",
        "{n}({v});",
    ),
    "a loop": ("", "for (unsigned long frame = {v}; frame < {v} + 4; frame++) {{ {use} }}"),
    "a choice": ("", "{{ unsigned long frame = kvm_rebooting ? 0 : {v}; {use} }}"),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """Edits that send a value on a way to a use, and the functions that may hold the use."""

    way: str
    edits: tuple[Edit, ...]
    functions: tuple[tuple[str, str], ...]


def sent(place: Place, way: str, use: str, name: str = "tdx_note_frame") -> Sent:
    """One way from a place to a use."""
    needs, statement = WAYS[way]
    filled = {"v": place.value, "n": name, "use": use}
    edit = place.edit(statement.format(**filled), needs.format(**filled))
    inner = (name, f"{name}_inner", f"{name}_one")
    return Sent(way, (edit,), ((place.path, place.function), *((place.path, n) for n in inner)))


def elsewhere(place: Place, use: str, name: str = "tdx_note_frame") -> Sent:
    """The use is in a helper of another file."""
    other = WRAPPERS if place.path == TDX else TDX
    anchor = "u64 tdh_mem_track(struct tdx_td *tdr);"
    start = "static bool tdx_operand_busy(u64 err)\n" if other == TDX else "static inline u64 tdx_tdr_pa("
    helper = f"void {name}(unsigned long frame)\n{{\n\t{use}\n}}\n\n"
    edits = (
        Edit(TDX_H, anchor, f"void {name}(unsigned long frame);\n{anchor}"),
        Edit(other, start, helper + start),
        place.edit(f"{name}({place.value});"),
    )
    return Sent("another file", edits, ((other, name),))
