"""BLOCK, TRACK, kick, then REMOVE or DEMOTE; and what is repeated after BUSY, with vCPUs kept out meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from analyzer.analyses.facts import Facts, shown, step
from analyzer.analyses.guards import says_not
from analyzer.analyses.marks import Mark, marked, marker
from analyzer.core.finding import Step
from analyzer.dataflow.context import Context
from analyzer.dataflow.paths import Explorer
from analyzer.ir.program import Key
from analyzer.ir.types import Assign, Assume, Call, Const, Deref, Expr, Field, Function, Instr, Name, parts
from analyzer.model.extract import words as w
from analyzer.model.extract.record import Decision, absent, both, decided
from analyzer.model.extract.walk import Exit, Marks, Seen, Walk, fallible, op_functions, place, places

VMX = "arch/x86/kvm/vmx/"
EXCLUSIVE = {w.BLOCK: "BLK", w.TRACK: "TRK", w.REMOVE: "REM", w.DEMOTE: "DEM"}
LAST = ("REM", "DEM")
FLAG = "%flag"
WORDS = {**EXCLUSIVE, **w.KICK}


@dataclass(slots=True)
class Chain:
    """What the paths through S-EPT operations showed."""

    facts: Facts
    flags: frozenset[str]
    last: list[Seen] = field(default_factory=list)  # REMOVE and DEMOTE, first attempts
    blocks: list[Seen] = field(default_factory=list)
    again: list[Seen] = field(default_factory=list)  # second attempts after BUSY
    restarted: list[Seen] = field(default_factory=list)  # BLOCK again because TRACK was BUSY
    walk: Walk | None = None

    def rule(self, seen: Seen) -> list[Exit]:
        """B, T, K: blocked, tracked, kicked. R:X: X was just refused; k: vCPUs were kicked since, W: and are
        kept out. D!: DEMOTE failed."""
        marks, what = seen.marks, seen.what
        if what == "KICK":
            return [(marks | ({"K"} if "T" in marks else set()) | ({"k"} if _refused(marks) else set()), None)]
        if what in ("SET", "CLEAR"):
            return [(marks | {"W"} if what == "SET" else marks - {"W"}, None)]
        refused = _refused(marks)
        if refused == what:
            self.again.append(seen)
        elif what == "BLK" and refused == "TRK":
            self.restarted.append(seen)
        elif what in LAST:
            self.last.append(seen)
        if what == "BLK":
            self.blocks.append(seen)
        rest = frozenset(m for m in marks if m[:2] != "R:" and m not in ("k", "D!"))
        done = {
            "BLK": (rest - {"T", "K"}) | {"B"},
            "TRK": (rest - {"K"}) | {"T"},
        }.get(what, rest - {"B", "T", "K"})
        failed = (rest | {f"R:{what}"}) if refused != what else rest
        failed |= {"D!"} if what == "DEM" else set()
        return fallible(frozenset(done), frozenset(failed))

    def branch(self, assume: Assume, marks: Marks, context: Context[Marks]) -> Marks:
        """Before a TD is runnable no vCPU has run: nothing has to be tracked."""
        early = says_not(self.facts.program, context.key, assume, "TD_STATE_RUNNABLE")
        return marks | {"T", "K"} if early else marks

    def find(self, call: Call, facts: object, context: Context[Marks]) -> str:
        """Stores to a flag that keeps vCPUs out."""
        if call.callee != FLAG:
            return ""
        return "SET" if call.args[1].text not in ("0", "false") else "CLEAR"


def _refused(marks: Marks) -> str:
    return next((m[2:] for m in marks if m[:2] == "R:"), "")


def stores_of(instr: Instr) -> tuple[Field, Expr] | None:
    """A constant that is stored in a field."""
    if isinstance(instr, Assign) and isinstance(instr.target, Field) and isinstance(instr.value, Const | Name):
        return instr.target, instr.value
    if isinstance(instr, Call) and instr.callee in ("WRITE_ONCE", "smp_store_release") and len(instr.args) > 1:
        target = (
            instr.args[0].base if instr.callee != "WRITE_ONCE" and hasattr(instr.args[0], "base") else instr.args[0]
        )
        if isinstance(target, Field):
            return target, instr.args[1]
    return None


def tested(facts: Facts) -> dict[str, list[tuple[Function, Instr]]]:
    """Fields that branches of VM entry and exit look at: a flag that is to keep vCPUs out is one of them."""

    def make() -> dict[str, list[tuple[Function, Instr]]]:
        found: dict[str, list[tuple[Function, Instr]]] = {}
        for function in _entering(facts):
            read = {}
            for instr in (i for b in function.blocks for i in b.instrs):
                if (
                    isinstance(instr, Call)
                    and instr.result is not None
                    and instr.callee in ("READ_ONCE", "smp_load_acquire")
                ):
                    for arg in instr.args:
                        for name in _fields(arg):
                            read[instr.result.text] = name
                if isinstance(instr, Assume):
                    for name in (*_fields(instr.cond), *(read[n] for n in instr.cond.names if n in read)):
                        found.setdefault(name, []).append((function, instr))
        return found

    return facts.solve("model: fields tested at VM entry", make)


def _fields(expr: Expr) -> Iterator[str]:
    yield from (part.name for part in parts(expr) if isinstance(part, Field))


def _entering(facts: Facts) -> Iterator[Function]:
    """The handlers of VM entry and exit of TDX: ops called for each run of a vCPU."""
    keys = sorted(k for op in ("vcpu_run", "handle_exit", "vcpu_enter_exit") for k in op_functions(facts, op))
    near = dict.fromkeys([*keys, *(c for k in keys for c in facts.names.callees.get(k, ()) if c[0].startswith(VMX))])
    yield from facts.program.functions(near)


def flags(facts: Facts) -> frozenset[str]:
    """Fields that are set where vCPUs are kicked out, and looked at where they enter."""
    kicking = facts.mentioning(frozenset((w.OUTSIDE,)), lambda p: p.startswith(VMX))
    macros = [f for k, d in facts.program.definitions.items() if d.kind == "macro" and w.OUTSIDE in d.mentions
              and k[0].startswith(VMX) and (f := facts.program.lower(k)) is not None]  # fmt: skip
    users = [d for d in facts.program.definitions.values() if d.path.startswith(VMX)]
    names = {m.name for m in macros}
    inside = [f for d in users if d.kind == "function" and not d.mentions.isdisjoint(names)
              and (f := facts.program.lower(d.key)) is not None]  # fmt: skip
    stored = {
        s[0].name
        for f in (*kicking, *macros, *inside)
        for b in f.blocks
        for i in b.instrs
        if (s := stores_of(i)) is not None
    }
    return frozenset(stored & set(tested(facts)))


def _mark(names: frozenset[str]) -> Mark:
    def mark(function: Function, instr: Instr) -> Call | None:
        stored = stores_of(instr)
        if stored is None or stored[0].name not in names:
            return None
        return marker(instr, FLAG, (stored[0], stored[1]))

    return mark


def solve(facts: Facts) -> Chain:
    """Follow the operations from the ops of TDX that lead to them."""

    def make() -> Chain:
        names = flags(facts)
        chain = Chain(facts, names)
        walk = chain.walk = Walk(facts, EXCLUSIVE, chain.rule, lambda c, f, x: _kick(c) or chain.find(c, f, x),
                                 chain.branch)  # fmt: skip
        reach = within(facts)
        walk.explorer = Explorer(
            replace(facts.program, lower=marked(facts.program, _mark(names)).lower),
            facts.vocabulary,
            walk,
            reach | _keepers_out(facts, names),
        )
        stored = {
            k for es in facts.program.tables.values() for e in es for k in facts.program.resolve(e.function, e.path)
        }
        for key in sorted(stored & reach):
            walk.explorer.enter(key, frozenset(), {})
        waiting = {k for k in reach if facts.program.definitions[k].kind == "function"}
        while waiting := {k for k in waiting if not walk.explorer.visited(k)}:
            tops = [k for k in waiting if not any(c in waiting for c in facts.names.callers.get(k, ()) if c != k)]
            for key in sorted(tops or waiting)[: None if tops else 1]:
                walk.explorer.enter(key, frozenset(), {})
        return chain

    return facts.solve("model chain", make)


def _kick(call: Call) -> str:
    kicks = call.callee in w.KICK and any(a.text == w.OUTSIDE for a in call.args)
    return "KICK" if kicks else ""


def _keepers_out(facts: Facts, names: frozenset[str]) -> frozenset[Key]:
    """The helpers of the vendor module that kick the vCPUs, or set or clear what VM entry looks at."""
    words = names | frozenset((w.OUTSIDE,))
    found = facts.names.where(lambda d: d.path.startswith(VMX) and not d.mentions.isdisjoint(words))
    return frozenset(k for k in found if facts.program.definitions[k].kind == "function")


def within(facts: Facts) -> frozenset[Key]:
    """The functions of the vendor module from which an exclusive operation can be reached inside it."""
    definitions = facts.program.definitions
    seen = {k for k, d in definitions.items() if k[0].startswith(VMX) and not d.mentions.isdisjoint(EXCLUSIVE)}
    work = list(seen)
    while work:
        for caller in facts.names.callers.get(work.pop(), ()):
            if caller not in seen and caller[0].startswith(VMX):
                seen.add(caller)
                work.append(caller)
    return frozenset(seen)


def decide(facts: Facts) -> Iterator[Decision]:
    """block, track, kick, retry_unit, no_vcpu_window."""
    chain = solve(facts)
    cut = chain.walk is None or chain.walk.lost
    for name, mark, good, words in (
        ("block", "B", "block", "BLOCK"),
        ("track", "T", "track", "TRACK"),
        ("kick", "K", "kick", "a kick of all vCPUs"),
    ):
        last = [s for s in chain.last if name != "kick" or "T" in s.marks]
        without = [s for s in last if mark not in s.marks]
        if chain.last and not last:
            yield absent(name, "there is no TRACK that could be followed by a kick")
        elif not chain.last:
            yield both(name, "no REMOVE or DEMOTE was reached")
        elif without:
            yield decided(name, "none", f"a path to {_call(without)} has no {words}", *places(facts, without))
        elif cut:
            yield both(name, "not all paths were followed", *places(facts, chain.last))
        else:
            yield decided(name, good, f"{words} on every path to {_call(chain.last)}", *places(facts, chain.last))
    yield _retry_unit(chain, cut)
    yield _window(chain, cut)


def _call(seen: list[Seen]) -> str:
    return " and ".join(dict.fromkeys({"REM": "REMOVE", "DEM": "DEMOTE"}.get(s.what, s.what) for s in seen))


def _retry_unit(chain: Chain, cut: bool) -> Decision:
    name, facts = "retry_unit", chain.facts
    if chain.restarted:
        return decided(name, "sequence", "BLOCK is repeated after a BUSY TRACK", *places(facts, chain.restarted))
    if not chain.again:
        return both(name, "nothing is repeated after BUSY")
    if cut:
        return both(name, "not all paths were followed")
    return decided(name, "call", "after BUSY the same SEAMCALL is repeated, alone", *places(facts, chain.again))


def _window(chain: Chain, cut: bool) -> Decision:
    name, facts = "no_vcpu_window", chain.facts
    if not chain.again or chain.walk is None:
        return both(name, "nothing is repeated after BUSY")
    open_ = [s for s in chain.again if "W" not in s.marks]
    unkicked = [s for s in chain.again if "k" not in s.marks]
    left = [x for x in chain.walk.left if "W" in x.marks]
    if unkicked:
        return both(name, "a second attempt without a kick of the vCPUs", *places(facts, unkicked))
    if open_:
        why = "a second attempt while vCPUs may enter" if chain.flags else "no flag is set that VM entry looks at"
        return decided(name, "kick-only", why, *places(facts, open_))
    if left:
        function = facts.program.lower(left[0].context.key)
        steps: tuple[Step, ...] = (step(function, left[0].instr, "returns with the flag set"),) if function else ()
        return decided(name, "flag-left", f"{', '.join(sorted(chain.flags))} stays set on a path", *steps)
    ours = [(f, i) for n in chain.flags for f, i in tested(facts)[n]]
    looks = tuple(step(f, i, "VM entry or exit looks at it") for f, i in ours)
    if _per_vcpu(chain):
        return decided(name, "not-for-new", "the flag is one of each vCPU: one that is created now has none", *looks)
    if cut:
        return both(name, "not all paths were followed")
    why = f"{', '.join(sorted(chain.flags))} is set before the kick and cleared after the second attempt"
    return decided(name, "flag", why, place(facts, chain.again[0], shown(chain.again[0].call)), *looks)


def _per_vcpu(chain: Chain) -> bool:
    """Whether what holds the flag is an object of one vCPU."""
    for seen in chain.walk.seen if chain.walk is not None else ():
        if seen.what == "SET" and isinstance(seen.call.args[0], Field):
            base = seen.call.args[0].base
            root = base.base if isinstance(base, Deref) else base
            function = chain.facts.program.lower(seen.context.key)
            kind = (
                function.locals.get(root.id, next((p.type for p in function.params if p.name == root.id), ""))
                if function is not None and isinstance(root, Name)
                else ""
            )
            if "vcpu" in kind:
                return True
    return False
