"""Custody: what is handed over, taken back and freed, by field, by variable, by element, by helper."""

from __future__ import annotations

import pytest

from analyzer.analyses.custody import index_value, solve_custody
from analyzer.callgraph.names import NameGraph
from analyzer.ir.effect import RESULT, Effect, Verb, Vocabulary
from tests.analyses.made import program


def _event(mode: str, slot: int = 0, when: str = "") -> tuple[Effect, ...]:
    return (Effect(Verb.EVENT, "custody", slot, mode, when),)


VOCABULARY = Vocabulary(
    effects={
        "make": _event("fresh", RESULT),
        "hand": _event("give"),
        "hand_page": _event("give", 0, "page"),
        "back": _event("take"),
        "put": _event("free"),
    }
)


def freed(*lines: str, before: str = "", field: str = "page") -> list[tuple[str, str]]:
    """(object, status) of what is freed, in order; the field is with the others on entry."""
    body = "".join(f"\t{line}\n" for line in lines)
    made = program(
        f"{before}int entry(struct td *td, int n)\n{{\n\tstruct page *x, **all;\n\tint i;\n{body}\treturn 0;\n}}\n"
    )
    keeper = solve_custody(
        made,
        NameGraph(made),
        VOCABULARY,
        "custody",
        lambda _: True,
        frozenset((field,)),
        frozenset(("virt_to_page",)),
        lambda _: frozenset(((f".{field}", "given"), (f".{field}[]", "given"))),
        frozenset(),
    )
    return sorted({(m.name, m.status) for m in keeper.moves if m.effect.mode == "free"})


HELPER = "static void put_it(struct page *p)\n{\n\tif (back(p))\n\t\treturn;\n\tput(p);\n}\n\n"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("put(td->page);",), [(".page", "given")]),
        (("if (!back(td->page))", "\tput(td->page);"), [(".page", "back")]),
        (("if (back(td->page))", "\tput(td->page);"), [(".page", "failed")]),
        (("x = td->page;", "put(x);"), [(".page", "given")]),
        (("x = virt_to_page(td->page);", "if (back(x))", "\treturn 1;", "put(td->page);"), [(".page", "back")]),
        (("td->page = make(n);", "put(td->page);"), [(".page", "fresh")]),
        (("x = make(n);", "td->page = x;", "if (hand_page(td))", "\tput(x);"), [(".page", "fresh")]),
        (("x = make(n);", "td->page = x;", "if (!hand_page(td))", "\tput(x);"), [(".page", "given")]),
        (("put_it(td->page);",), [("#0", "back")]),
    ],
)
def test_status_of_what_is_freed(lines: tuple[str, ...], expected: list[tuple[str, str]]) -> None:
    assert freed(*lines, before=HELPER) == expected


def test_elements_of_an_array() -> None:
    fill = ("all = make(n);", "td->page = all;", "for (i = 0; i < n; i++)", "\tif (hand(all[i]))", "\t\tbreak;")
    seen = freed(*fill, "for (; i < n; i++)", "\tput(all[i]);")
    assert set(seen) >= {(".page[]", "fresh"), (".page[]", "part")}
    assert (".page[]", "given") not in seen


def test_index_of_an_element() -> None:
    text = "int entry(struct td *td)\n{\n\tint i;\n\n\tfor (i = 0; i < 2; i++)\n\t\tput(td->page[i]);\n}\n"
    made = program(text)
    keeper = solve_custody(
        made, NameGraph(made), VOCABULARY, "custody", lambda _: True, frozenset(("page",)), frozenset(),
        lambda _: frozenset(), frozenset(),
    )  # fmt: skip
    assert index_value(keeper.moves[0], {}) == 0
