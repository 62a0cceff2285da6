"""The TDX module's 0-based level mixed with enum pg_level (tdx-level-units-mixed)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.kernel.edits import Edit
from tests.kernel.places import TDX, TDX_H, UNITS, WRAPPERS
from tests.mutants.shapes import Place
from tests.mutants.sources import Mutant, Operator, Same, Sources

MIXED: dict[str, tuple[str, str]] = {
    "converted": ("", 'pr_debug("level %d\\n", pg_level_to_tdx_sept_level(level));'),
    "converted in a variable": ("", "{ int size = pg_level_to_tdx_sept_level(level); WARN_ON_ONCE(size > 2); }"),
    "converted by hand": ("", "WARN_ON_ONCE((gfn_to_gpa(gfn) | (level - 1)) == 0);"),
    "as an argument": ("", "tdh_note_size(&to_kvm_tdx(kvm)->td, level - 1);"),
    "shifted": ("", "WARN_ON_ONCE(gfn & ((1UL << (level * PTE_SHIFT)) - 1));"),
    "shifted by the levels above": ("", "WARN_ON_ONCE(gfn & ((1UL << ((level - 1) * 9)) - 1));"),
    "compared": ("", "WARN_ON_ONCE(level == TDX_PS_2M);"),
    "compared upwards": ("", "WARN_ON_ONCE(level > TDX_PS_4K);"),
    "constant": ("", "{ enum pg_level size = TDX_PS_2M; WARN_ON_ONCE(level > size); }"),
    "returned by a helper": (
        "static int tdx_size_of(enum pg_level level)\n{\n\treturn level - 1;\n}",
        "tdh_note_size(&to_kvm_tdx(kvm)->td, tdx_size_of(level));",
    ),
    "in a field": ("", "{ struct { u64 rcx; } in = { .rcx = gfn_to_gpa(gfn) | (level - 1) }; WARN_ON_ONCE(!in.rcx); }"),
    "merged from a constant": ("", "{ u64 rcx = gfn_to_gpa(gfn) | TDX_PS_2M; WARN_ON_ONCE(!rcx); }"),
    "kept and passed": ("", "{ int size = level - 1; tdh_note_size(&to_kvm_tdx(kvm)->td, size); }"),
    "merged": ("", "{ u64 rcx = gfn_to_gpa(gfn); rcx |= level - 1; WARN_ON_ONCE(!rcx); }"),
}
NOTED = "u64 tdh_note_size(struct tdx_td *td, u64 size);"


def mixed(sources: Sources) -> Iterator[Mutant]:
    """Each mix in each function of KVM that has a level."""
    for name in ("tdx_sept_map_leaf_spte", "tdx_sept_map_nonleaf_spte", "tdx_sept_set_private_spte"):
        text = sources.functions(TDX)[name]
        for kind, (needs, statement) in MIXED.items():
            edits = [Place(TDX, name, text, "level").edit(statement, needs)]
            if "tdh_note" in statement:
                anchor = "u64 tdh_mem_track(struct tdx_td *tdr);"
                edits.append(Edit(TDX_H, anchor, f"{NOTED}\n{anchor}"))
            yield Mutant(UNITS, f"level {kind}", tuple(edits), ((TDX, name), (TDX, "tdx_size_of")))


def prototypes(sources: Sources) -> Iterator[Mutant]:
    """A wrapper takes the level as a number."""
    for name, text in sources.functions(WRAPPERS).items():
        heading = text.split("{")[0]
        if not name.startswith("tdh_") or "enum pg_level level" not in heading:
            continue
        declared = next(s for s in sources.text(TDX_H).split(";") if f"{name}(" in s)
        for kind in ("int", "u64"):
            edits = (
                Edit(TDX_H, declared, declared.replace("enum pg_level level", f"{kind} level")),
                Edit(WRAPPERS, text, text.replace("enum pg_level level", f"{kind} level").replace(
                    "pg_level_to_tdx_sept_level(level)", "level")),
            )  # fmt: skip
            yield Mutant(UNITS, f"level as {kind}", edits, ((TDX_H, name), (WRAPPERS, name)))


def in_wrappers(sources: Sources) -> Iterator[Mutant]:
    """In the module's file a converted level goes where an enum is wanted."""
    for name, text in sources.functions(WRAPPERS).items():
        if not re.search(r"^\t\t\.rcx = gpa \| pg_level_to_tdx_sept_level\(level\)", text, re.M):
            continue
        helper = "static bool tdx_level_is_huge(enum pg_level level)\n{\n\treturn level > PG_LEVEL_4K;\n}"
        statement = (
            "{ int sept_level = pg_level_to_tdx_sept_level(level); WARN_ON_ONCE(tdx_level_is_huge(sept_level)); }"
        )
        yield Mutant(
            UNITS, "handed to an enum", (Place(WRAPPERS, name, text, "").edit(statement, helper),), ((WRAPPERS, name),)
        )
        statement = "{ int sept_level = pg_level_to_tdx_sept_level(level); WARN_ON_ONCE(sept_level == level); }"
        yield Mutant(
            UNITS, "compared in a wrapper", (Place(WRAPPERS, name, text, "").edit(statement),), ((WRAPPERS, name),)
        )


OPERATORS: tuple[Operator, ...] = (mixed, prototypes, in_wrappers)

PROPER = (
    'pr_debug("level %d\\n", level);',
    "{ enum pg_level child = level - 1; WARN_ON_ONCE(child > PG_LEVEL_2M); }",
    "WARN_ON_ONCE(gfn & (KVM_PAGES_PER_HPAGE(level) - 1));",
    "WARN_ON_ONCE(level == PG_LEVEL_512G);",
    "WARN_ON_ONCE(!IS_ALIGNED(gfn_to_gpa(gfn), page_level_size(level)));",
    "WARN_ON_ONCE(gfn_to_gpa(gfn) | (level == PG_LEVEL_NONE));",
    "{ int above = level + 1; WARN_ON_ONCE(above < PG_LEVEL_2M); }",
    "WARN_ON_ONCE(tdx_spte_to_sept_pt(kvm, gfn, 0, level - 1));",
)


def proper(sources: Sources) -> Iterator[Same]:
    """Levels as they are meant."""
    for name in ("tdx_sept_map_leaf_spte", "tdx_sept_map_nonleaf_spte"):
        text = sources.functions(TDX)[name]
        for statement in PROPER:
            yield Same("proper level", (Place(TDX, name, text, "level").edit(statement),))


SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = (proper,)
