"""Functions that a series adds and that nothing uses when it ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from analyzer.engine.series import SeriesFacts, SeriesStep
from analyzer.ir.program import Definition, Key, Program
from analyzer.ir.types import Assign, Call, Return

_KEPT = re.compile(r"\b(?:__used|__maybe_unused|__visible|asmlinkage)\b")
_PASTE = re.compile(r"(\w*)##(\w*)")


@dataclass(frozen=True, slots=True)
class Unused:
    """A function without a user: the step that adds it, its definition as that step has it."""

    step: SeriesStep
    definition: Definition


def unused(facts: SeriesFacts) -> Iterator[Unused]:
    """Functions whose heading a step adds, that are still there at the end, and that no line mentions then.

    Whoever calls a function that the series adds is added by the series too, so that this holds for rebuilt images.
    """
    if not facts.steps:
        return
    last = facts.steps[-1].after
    unseen = any(_unseen(p) for step in facts.steps for p in step.touched)
    known = set(facts.steps[0].before.definitions)
    for step in facts.steps:
        for key in sorted(set(step.after.definitions) - known):
            definition = step.after.definitions[key]
            known.add(key)
            if definition.kind != "function" or definition.line not in step.added.get(key[0], frozenset()):
                continue
            hidden = (unseen and (not definition.static or key[0].endswith(".h"))) or _stub(step.after, key)
            if key in last.definitions and not hidden and not _known(facts, step, key) and not _used(last, key):
                yield Unused(step, definition)


def _stub(program: Program, key: Key) -> bool:
    """Whether an inline of a header does nothing: it stands in for a function that code which is not shown may call."""
    function = program.lower(key) if key[0].endswith(".h") and not program.whole else None
    if function is None:
        return False
    instrs = [i for b in function.blocks for i in b.instrs]
    works = any(isinstance(i, Call) and not i.callee.isupper() for i in instrs)
    values = [i.value for i in instrs if isinstance(i, Return) and i.value is not None]
    return (
        not works
        and not any(isinstance(i, Assign) for i in instrs)
        and all(n.isupper() for v in values for n in v.names)
    )


def _unseen(path: str) -> bool:
    """Files that may call a function and are not read: assembly, other architectures."""
    return path.endswith(".S") or (path.startswith("arch/") and not path.startswith("arch/x86/"))


def _known(facts: SeriesFacts, step: SeriesStep, key: Key) -> bool:
    """Whether something had the name before: a definition that moved, or whose heading changed, is no new one."""
    path, name = key
    base = facts.steps[0].before
    word = re.compile(rf"\b{re.escape(name)}\b")
    places = [step.before.code(path), *(base.code(p) for p in {*step.touched, path})]
    return name in base.by_name or any(word.search(t) for t in places)


def _used(program: Program, key: Key) -> bool:
    """Whether any line but the definition and declarations mentions a function."""
    path, name = key
    definition = program.definitions[key]
    if (
        name in program.exported
        or definition.weak
        or any(e.function == name for es in program.tables.values() for e in es)
    ):
        return True
    if any(name in d.mentions and d.key != key for d in program.definitions.values()):
        return True
    heading = "\n".join(program.code(path).split("\n")[max(0, definition.line - 2) : definition.line + 1])
    if name not in heading or _KEPT.search(heading):
        return True  # kept on purpose, or a name that a macro made
    reach = (path,) if definition.static and not path.endswith(".h") else program.files
    texts = [program.code(p) for p in reach]
    if not program.whole and any(_argument(t, name) for t in texts):
        return True
    return any(_mentioned(t, name) for t in texts) or _pasted(texts, name)


def _argument(text: str, name: str) -> bool:
    """The end of a name alone in the brackets of a macro, which may put the rest before it where it is defined."""
    tails = ["_".join(name.split("_")[n:]) for n in range(1, name.count("_") + 1)]
    return any(tail and re.search(rf"\b\w+\({re.escape(tail)}[,)]", text) for tail in tails)


def _mentioned(text: str, name: str) -> bool:
    """A word that is neither a heading nor a declaration: in a table, an argument of a macro, an initialiser."""
    if name not in text:
        return False
    for found in re.finditer(rf"^(.*)\b{re.escape(name)}\b(.?)", text, re.M):
        heading = found.group(2) == "(" and re.fullmatch(r"(?:[A-Za-z_][\w \t*()\"]*[ \t*])?", found.group(1))
        if not heading:
            return True
    return False


def _pasted(texts: list[str], name: str) -> bool:
    """Macros may put a name together; what is between its glued parts counts as a use where it is a word."""
    glued = {pair for text in texts for pair in _PASTE.findall(text)}
    heads = {"", *(a for a, _ in glued if len(a) > 2 and name.startswith(a))}
    tails = {"", *(b for _, b in glued if len(b) > 2 and name.endswith(b))}
    middles = {name.removeprefix(a).removesuffix(b) for a in heads for b in tails if a or b} - {"", name}
    return any(re.search(rf"\b{re.escape(m)}\b", t) for m in middles for t in texts)
