"""A series adds code that nothing ever runs.

A function without a caller at the end of the series, statements behind a return or a goto, or a branch that no value
can take are not tested by anybody, and the reader takes them for a part of how it works. Mainline has no code for
later: it comes with its first user.

Send the code with its user, or take it out. A function whose user comes in a later patch of the same series is fine, as
is one that is exported, stored in a table, or named by a macro.

May be false: where a macro puts together a name that is nowhere in the text. Not looked at: functions that were there
before the series, and code that only a configuration takes out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.author import (
    Behind,
    Change,
    Definition,
    Finding,
    Location,
    Program,
    Provenance,
    Refuted,
    Rule,
    SeriesFacts,
    SeriesStep,
    Severity,
    Step,
    Unused,
    behind,
    covers,
    refuted,
    unused,
    words,
)

SCOPE = ("arch/x86/kvm/*", "virt/kvm/*", "arch/x86/virt/vmx/*", "arch/x86/include/asm/*", "include/linux/kvm*")


@dataclass(frozen=True, slots=True)
class _Line:
    """A dead line; ``said`` tells it apart from others of its function in any state of the series."""

    line: int
    cause: int
    said: str
    message: str
    note: str


def _covers(path: str) -> bool:
    return covers(SCOPE, path)


def _without_user(found: Unused) -> Finding:
    definition, step = found.definition, found.step
    where = Location(definition.path, definition.line)
    kind = "static function" if definition.static else "function"
    message = f"the {kind} {definition.name}() is added by patch {step.index} and used by no patch of the series"
    trace = (Step(where, definition.name, f"patch {step.index} adds it; no line of the last state mentions it"),)
    return Finding(
        where, definition.name, definition.name, message, trace=trace, patch=step.index, change=Change.INTRODUCED
    )


def _dead_lines(program: Program, facts: SeriesFacts, definition: Definition) -> list[_Line]:
    """What is dead in one function of one state."""
    text = program.code(definition.path).split("\n")
    whole = definition.path not in program.partial_files
    found = [_behind(b) for b in behind(text, definition.line, definition.end_line, whole)]
    function = program.lower(definition.key)
    if function is not None:
        constants = {**facts.vocabulary.constants, **program.constants}
        found += [_refuted(r, words(function, r.test.cond)) for r in refuted(function, program, constants)]
    return found


def _behind(found: Behind) -> _Line:
    if found.line == found.cause:
        return _Line(found.line, found.cause, found.why, f"{found.why} is never taken", "never true")
    return _Line(found.line, found.cause, f"{found.why} {found.text}", f"nothing reaches {found.text}", found.why)


def _refuted(found: Refuted, cond: str) -> _Line:
    taken = cond if found.test.truth else f"!({cond})"
    message = f"nothing reaches the branch for {taken}, which cannot be at this place"
    return _Line(found.instr.line, found.test.line, f"branch {taken}", message, f"{taken} is never the case here")


def _of_step(facts: SeriesFacts, step: SeriesStep) -> Iterator[Finding]:
    """What one patch makes dead, if it stays so to the end."""
    last = facts.steps[-1].after
    for path in (p for p in step.touched if _covers(p) and step.added.get(p)):
        added = step.added[path]
        for definition in (d for d in step.after.definitions.values() if d.path == path and d.kind == "function"):
            if (
                added.isdisjoint(range(definition.line, definition.end_line + 1))
                or definition.key not in last.definitions
            ):
                continue
            yield from _in_function(facts, step, definition)


def _in_function(facts: SeriesFacts, step: SeriesStep, definition: Definition) -> Iterator[Finding]:
    now = _dead_lines(step.after, facts, definition)
    old = step.before.definitions.get(definition.key) if now else None
    before = {d.said for d in _dead_lines(step.before, facts, old)} if old is not None else set()
    end = facts.steps[-1].after
    after = {d.said for d in _dead_lines(end, facts, end.definitions[definition.key])} if now else set()
    for dead in now:
        if dead.said in before or dead.said not in after:
            continue
        where = Location(definition.path, dead.line)
        trace = (
            Step(Location(definition.path, dead.cause), definition.name, dead.note),
            Step(where, definition.name, "never reached"),
        )
        yield Finding(
            where, definition.name, dead.said, dead.message, trace=trace, patch=step.index, change=Change.INTRODUCED
        )


def series_check(facts: SeriesFacts) -> Iterator[Finding]:
    """Functions without a user, then dead lines in functions that a patch touches."""
    for found in unused(facts):
        if _covers(found.definition.path):
            yield _without_user(found)
    for step in facts.steps:
        yield from _of_step(facts, step)


RULE = Rule(
    id="kvm-dead-code",
    catalog=35,
    severity=Severity.WARNING,
    scope=SCOPE,
    series_check=series_check,
    provenance=(
        Provenance(
            "mail",
            "20260129011517.3545883-1-seanjc@google.com",
            "Dave Hansen",
            "2026-02-04",
            "in the thread of this cover letter: no unreachable code in mainline",
        ),
    ),
    bad=(
        """
        // patch: 1 Add a helper for large leafs
        // path: arch/x86/kvm/mmu/a.c
        static int large_leafs(int level)  // expect
        {
                return level > 1;
        }
        // patch: 2 Count leafs
        // path: arch/x86/kvm/mmu/b.c
        int leafs(int level)
        {
                return level;
        }
        EXPORT_SYMBOL_FOR_KVM(leafs);
        """,
        """
        // patch: 0 before
        // path: arch/x86/kvm/mmu/a.c
        int zap(int level)
        {
                flush(level);
                return 0;
        }
        EXPORT_SYMBOL_FOR_KVM(zap);
        // patch: 1 Refuse to zap
        // path: arch/x86/kvm/mmu/a.c
        int zap(int level)
        {
                return -EOPNOTSUPP;
                flush(level);  // expect
                return 0;
        }
        EXPORT_SYMBOL_FOR_KVM(zap);
        """,
    ),
    good=(
        """
        // patch: 1 Add a helper for large leafs
        // path: arch/x86/kvm/mmu/a.c
        static int large_leafs(int level)
        {
                return level > 1;
        }
        // patch: 2 Count leafs
        // path: arch/x86/kvm/mmu/a.c
        static int large_leafs(int level)
        {
                return level > 1;
        }

        int leafs(int level)
        {
                return level + large_leafs(level);
        }
        EXPORT_SYMBOL_FOR_KVM(leafs);
        """,
        """
        // patch: 1 Refuse to zap large leafs
        // path: arch/x86/kvm/mmu/a.c
        int zap(int level)
        {
                if (level > 1)
                        return -EOPNOTSUPP;
                flush(level);
                return 0;
        }
        EXPORT_SYMBOL_FOR_KVM(zap);
        """,
    ),
)
