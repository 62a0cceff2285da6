"""The fault: the stale check between the lookup of a PFN and the mapping; the mirror entry while the S-EPT is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from analyzer.analyses.facts import Facts
from analyzer.analyses.marks import marker
from analyzer.analyses.seqcheck import ACQUIRED, SNAPSHOT, snapshot_of
from analyzer.dataflow.context import Context
from analyzer.dataflow.values import NEG, NZ, Value, canonical
from analyzer.dataflow.values import Facts as Known
from analyzer.ir.program import Key
from analyzer.ir.types import Assign, Assume, Call, Field, Function, Instr, Name
from analyzer.model.extract import words as w
from analyzer.model.extract.ranges import returns
from analyzer.model.extract.record import Decision, both, decided
from analyzer.model.extract.walk import Exit, Marks, Seen, Walk, follow, leading, nearest, places

FAULT = {**w.PFN, **w.CHECK, **w.MAP, **w.BARRIERS, SNAPSHOT: "SNAP", ACQUIRED: "SNAP"}
MIRROR = frozenset(("is_mirror_sp", "is_mirror_sptep"))
CHOSEN = "%frozen"


@dataclass(slots=True)
class Fault:
    """Paths from the lookup to the mapping."""

    facts: Facts
    maps: list[Seen] = field(default_factory=list)
    lookups: list[Seen] = field(default_factory=list)
    checks: list[Seen] = field(default_factory=list)
    walk: Walk | None = None

    def rule(self, seen: Seen) -> list[Exit]:
        """N: the sequence count was read (n: no barrier yet); P, H: a PFN of guest_memfd, of the host (L: it was not
        read before); R: mmu_lock held; C: found fresh since. x: no such path.
        """
        marks, what = seen.marks, seen.what
        if "x" in marks and what not in ("MAP", "L.r", "L.w", "U"):
            return [(marks, None)]
        if what == "SNAP":
            late = {"L"} if marks & {"P", "H"} else set()  # unless there is another lookup
            return [((marks - {"N", "n"}) | late | {"N" if seen.call.callee == ACQUIRED else "n"}, None)]
        if what == "BAR":
            return [((marks - {"n"}) | {"N"} if "n" in marks else marks, None)]
        if what in ("PFN", "HPFN"):
            self.lookups.append(seen)
            known = "N" in marks or ("L" not in marks and marks & {"P", "H"})  # a second try is no later than the first
            found = {"P" if what == "PFN" else "H", *(() if known else ("L",))}
            got = (marks & {"R"}) | found
            return [(got, 0), (marks, NZ)] if what == "PFN" else [(got, None)]
        if what == "CHK":
            self.checks.append(seen)
            fresh = "R" in marks and marks & {"P", "H"} and "L" not in marks
            return [(marks | {"C"} if fresh else marks, 0), (marks, NZ)]
        if what == "MAP":
            self.maps.append(seen)
        if what in ("L.r", "L.w"):
            return [(marks | {"R"}, None)]
        if what == "U":
            return [(marks - {"R", "C"}, None)]
        return [(marks, None)]

    def branch(self, assume: Assume, marks: Marks, context: Context[Marks]) -> Marks:
        """A pointer that the lookup looked into is not null; a private fault is not looked up in the host."""
        cond = assume.cond
        name = cond.name if isinstance(cond, Field) else cond.id if isinstance(cond, Name) else ""
        if not assume.truth and marks & {"P", "H"} and name and name in self.looked_into():
            return (marks & {"R"}) | {"x"}
        if name == "is_private" and assume.truth and "H" in marks:  # the host's page tables hold no private memory
            return (marks & {"R"}) | {"x"}
        return marks

    def looked_into(self) -> set[str]:
        """The last names of what lookups were given."""
        args = [a for s in self.lookups for a in s.call.args]
        return {a.name if isinstance(a, Field) else a.id for a in args if isinstance(a, Field | Name)}


def _snapshot(_: Function, instr: Instr) -> Call | None:
    name = snapshot_of(instr, w.SEQUENCE)
    return marker(instr, name) if name else None


def _host(facts: Facts) -> dict[str, str]:
    """The lookups in the host's page table; what has the name of one and gives no PFN looks up by another."""
    return {name: what for name, what in w.HOST_PFN.items() if facts.gives(name, "pfn_t")}


def _fault(facts: Facts) -> Fault:
    def make() -> Fault:
        fault, host = Fault(facts), _host(facts)
        fault.walk = Walk(facts, {**FAULT, **host}, fault.rule, branched=fault.branch, mark=_snapshot, locks=True)
        entries = nearest(facts, leading(facts, w.PFN), leading(facts, w.MAP))
        follow(facts, fault.walk, entries, leading(facts, (*w.PFN, *host, *w.CHECK, *w.MAP, w.SEQUENCE)))
        return fault

    return facts.solve("model fault", make)


@dataclass(slots=True)
class Freeze:
    """Paths of the mapping, around the change of the external table."""

    facts: Facts
    told: list[Seen] = field(default_factory=list)
    back: list[Seen] = field(default_factory=list)
    taken: list[Seen] = field(default_factory=list)  # writes where it did not refuse
    wrong: list[Seen] = field(default_factory=list)  # the new value is written though the other table refused
    values: set[tuple[Key, str]] = field(default_factory=set)  # what is installed where nothing is frozen
    stuck: list[Seen] = field(default_factory=list)
    walk: Walk | None = None

    def rule(self, seen: Seen) -> list[Exit]:
        """FZ: frozen (fz: about to be); X!: the other table refused. m, n: a mirror or not; w: exclusive; x: no way."""
        marks, what = seen.marks, seen.what
        if what == "chosen":
            return [(marks | {"fz"}, None)]
        if what == "held.w" or what == "L.w":
            return [(marks | {"w"}, None)]
        if what == "XCHG":
            return self.exchange(seen)
        if what == "ST":
            if "X!" in marks:
                (self.wrong if self.stored(seen) in self.values else self.back).append(seen)
            elif "FZ" in marks and not marks & {"n", "x"}:
                self.taken.append(seen)
            return [(marks - {"X!", "FZ", "fz"}, None)]
        if what == "X":
            nested = sum(c.key == seen.context.key for c, _ in seen.context.path()) > 1
            if "n" in marks or nested:  # what is below a table that goes is another entry's matter
                return [(marks, 0)]
            if "w" not in marks and "x" not in marks:
                self.told.append(seen)
            return [(marks, 0), (marks | {"X!"}, NEG)]
        return [(marks, None)]

    def exchange(self, seen: Seen) -> list[Exit]:
        """An entry is exchanged, or was lost to another CPU."""
        marks = seen.marks
        if "fz" not in marks and not self.frozen(seen.call):
            self.values |= {(seen.context.key, canonical(a, seen.facts, {})[0]) for a in seen.call.args[1:]}
        if "X!" in marks:
            self.stuck.append(seen)
        rest = marks - {"X!", "FZ", "fz"}
        taken, lost = self.outcome(seen)
        return [(rest | {"FZ"} if "fz" in marks or self.frozen(seen.call) else rest, taken), (rest, lost)]

    def outcome(self, seen: Seen) -> tuple[Value | None, Value | None]:
        """What a call says of an exchange that was made, and of one that was lost: true, zero as errors go, or less."""
        name = seen.call.callee
        if name in w.EXCHANGE:
            return (NZ, 0) if name.startswith("try_") else (None, None)
        helpers = [self.facts.program.lower(k) for k in self.facts.program.resolve(name, seen.context.key[0])]
        return (NZ, 0) if any(h is not None and h.returns == "bool" for h in helpers) else (0, NZ)

    @staticmethod
    def stored(seen: Seen) -> tuple[Key, str]:
        """What a store writes, in which function."""
        value = seen.call.args[w.VALUE[seen.call.callee] :][:1]
        return seen.context.key, canonical(value[0], seen.facts, {})[0] if value else ""

    @staticmethod
    def frozen(call: Call) -> bool:
        """Whether a call is given the frozen value itself."""
        return any(isinstance(a, Name) and a.id == w.FROZEN for a in call.args)

    def find(self, call: Call, known: Known, context: Context[Marks]) -> str:
        """The external op, helpers that exchange an entry, stores, and where the frozen value is chosen."""
        if call.callee == CHOSEN:
            return "chosen"
        if call.table == w.EXTERNAL_OP:
            return "X"
        if call.callee in w.WRITE:
            return "" if self.frozen(call) else "ST"
        keys = self.facts.program.resolve(call.callee, context.key[0]) if call.callee else ()
        if any(k in exchangers(self.facts) for k in keys) or call.callee in w.EXCHANGE:
            return "XCHG"
        return ""

    def branch(self, assume: Assume, marks: Marks, context: Context[Marks]) -> Marks:
        """Whether the root is a mirror stays what it is."""
        if self.walk is None or self.walk.about not in MIRROR:
            return marks
        now, other = ("m", "n") if assume.truth else ("n", "m")
        return marks | ({"x"} if other in marks else {now})


def exchangers(facts: Facts) -> frozenset[Key]:
    """Helpers that exchange an SPTE, tell whether they did, and do nothing else."""

    def make() -> frozenset[Key]:
        words = frozenset(w.EXCHANGE)
        telling = leading(facts, (w.EXTERNAL_OP,))
        return frozenset(f.key for f in facts.mentioning(words, lambda p: p.startswith("arch/x86/kvm/mmu/"))
                         if f.key not in telling and f.returns in ("int", "bool"))  # fmt: skip

    return facts.solve("model exchangers", make)


def choice(function: Function, instr: Instr) -> Call | None:
    """Marks where the frozen value is chosen."""
    chosen = isinstance(instr, Assign) and isinstance(instr.value, Name) and instr.value.id == w.FROZEN
    return marker(instr, CHOSEN) if chosen else None


def _freeze(facts: Facts) -> Freeze:
    def make() -> Freeze:
        made = Freeze(facts)
        made.walk = Walk(facts, {}, made.rule, made.find, made.branch, mark=choice, locks=True)
        entries = sorted(k for name in w.MAP for k in facts.program.by_name.get(name, ()))
        entries = [k for k in entries if facts.program.definitions[k].kind == "function"]
        exchanging = frozenset(k for k in leading(facts, w.EXCHANGE) if k[0].startswith("arch/x86/kvm/mmu/"))
        follow(facts, made.walk, entries, leading(facts, (w.EXTERNAL_OP, *w.WRITE)) | exchanging)
        return made

    return facts.solve("model freeze", make)


def decide(facts: Facts) -> Iterator[Decision]:
    """stale_check, pfnmap_retry, unlock, freeze, freeze_rollback."""
    fault = _fault(facts)
    cut = fault.walk is None or fault.walk.lost
    for name, mark, words in (("stale_check", "P", "guest_memfd"), ("pfnmap_retry", "H", "the host's page table")):
        maps = [s for s in fault.maps if mark in s.marks and "x" not in s.marks]
        bare = [s for s in maps if "C" not in s.marks]
        if bare:
            why = f"a path maps a PFN of {words} without a retry check under mmu_lock, of a count read before"
            yield decided(name, "none", why, *places(facts, bare))
        elif not maps or cut:
            yield both(name, f"no path from a PFN of {words} to its mapping" if not maps else "not all paths followed")
        else:
            why = f"the retry check is made under mmu_lock on every path that maps a PFN of {words}"
            yield decided(name, "under-lock", why, *places(facts, [*fault.checks, *maps]))
    yield _unlock(facts, fault, cut)
    yield from _frozen(facts)


def _unlock(facts: Facts, fault: Fault, cut: bool) -> Decision:
    held = [x for x in fault.walk.left if "R" in x.marks] if fault.walk is not None else []
    if held:
        return decided("unlock", "not-on-error", "a path returns with mmu_lock held", *returns(facts, held))
    if cut or not fault.maps:
        return both("unlock", "no path of a fault to its mapping was followed to its end")
    drops = [s for s in fault.walk.seen if s.what == "U"] if fault.walk is not None else []
    return decided("unlock", "every-path", "each path of the fault drops mmu_lock", *places(facts, drops))


def _frozen(facts: Facts) -> Iterator[Decision]:
    found = _freeze(facts)
    cut = found.walk is None or found.walk.lost
    bare = [s for s in found.told if "FZ" not in s.marks]
    if bare:
        why = "the external table is told while the mirror entry is not frozen"
        yield decided("freeze", "none", why, *places(facts, bare))
    elif cut or not found.told:
        yield both("freeze", "no call of the external op was reached" if not found.told else "not all paths followed")
    else:
        why = "the mirror entry is frozen while the external table is told"
        yield decided("freeze", "frozen", why, *places(facts, found.told))
    yield _rollback(facts, found, cut)


def _rollback(facts: Facts, found: Freeze, cut: bool) -> Decision:
    name = "freeze_rollback"
    left = [x for x in found.walk.left if "FZ" in x.marks and "x" not in x.marks] if found.walk else []
    stuck = [s for s in found.stuck if "x" not in s.marks and "FZ" in s.marks]
    refused = {found.stored(s) for s in found.back}
    kept = [s for s in found.taken if (v := found.stored(s)) in refused - found.values and not v[1].startswith("%")]
    if left or stuck:
        why = "a path leaves the entry frozen"
        return decided(name, "none", why, *places(facts, [*found.told, *stuck]), *returns(facts, left))
    if found.wrong:
        why = "the entry gets its new value though the external table refused it"
        return decided(name, "never", why, *places(facts, found.wrong))
    if kept:
        why = "the entry gets the value of a refusal though the external table took the new one"
        return decided(name, "always", why, *places(facts, kept))
    if cut or not found.back:
        return both(name, "no write after a refusal was found" if not found.back else "not all paths followed")
    why = "the entry is written again when the external table refused"
    return decided(name, "on-error", why, *places(facts, found.back))
