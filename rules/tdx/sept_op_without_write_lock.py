"""An S-EPT entry is blocked, tracked, removed or demoted without mmu_lock held for write.

BLOCK, TRACK and REMOVE or DEMOTE must be one sequence that nobody else comes between: the retry of a BUSY SEAMCALL is
only sure to succeed because writers are exclusive, and under the read lock a fault may map what is being taken away.
Splitting a huge leaf of a mirror root is such an operation, whatever function does it, and so is taking an entry of it
away; direct roots may be changed under the read lock. An operation that installs may be busy, which only an update
under the read lock can hand back.

Take mmu_lock for write on the whole path, or refuse the operation where the lock is shared.

May be false: a path that takes the lock for read is followed as far as conditions on data can be told apart; one that
an assertion for write mode closes behind such a condition is not reported.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.author import (
    Assign,
    Call,
    Certainty,
    Context,
    Facts,
    Finding,
    Function,
    Held,
    HeldResult,
    Instr,
    Name,
    Provenance,
    Rule,
    Severity,
    Sighting,
    Step,
    has_hole,
    held_mode,
    lock_path,
    made_by,
    mirror_of,
    operations,
    reaching,
    shown,
    solve_held,
    step,
    taken,
)
from rules.vocabulary.mirror import MIRROR_TESTS
from rules.vocabulary.seamcall import (
    ATOMIC_UPDATES,
    DEMOTE,
    EXCLUSIVE_OPS,
    INSTALLS,
    NONPRESENT,
    READ_ASSERTS,
    SPLIT_LINKS,
    SPLIT_MARKS,
    UPDATE_OPS,
)

LOCK = "mmu_lock"
SHARED_FLAGS = ("shared", "mmu_lock_shared")
SCOPE = ("arch/x86/kvm/*", "arch/x86/virt/vmx/tdx/*", "virt/kvm/*")


def _solve(facts: Facts) -> HeldResult:
    watch = EXCLUSIVE_OPS | SPLIT_LINKS | INSTALLS
    return facts.solve(
        ("held", LOCK), lambda: solve_held(facts.program, facts.names, facts.vocabulary, frozenset((LOCK,)), watch)
    )


def _shared_by_flag(context: Context[Held]) -> bool:
    """A boolean that says the lock is shared is true on the way here."""
    for seen, _ in context.path():
        for expr, value in seen.facts.items():
            if expr.text in SHARED_FLAGS and value in (1, "nonzero"):
                return True
    return False


def _broken(sighting: Sighting) -> str:
    """How the operation's lock is wrong: ``read``, ``none``, ``shared`` (by a flag), or ``""``."""
    mode = held_mode(sighting.held, LOCK)
    if mode in ("r", "R"):
        return "read"
    if mode is None:
        return "none"
    return "shared" if mode in ("?", "a") and _shared_by_flag(sighting.context) else ""


_WORDS = {
    "read": "with mmu_lock held for read",
    "none": "without mmu_lock",
    "shared": "where the caller says that mmu_lock is shared",
}


def _finding(
    facts: Facts, function: Function, sighting: Sighting, how: str, what: str, severity: Severity, certain: bool
) -> Finding:
    call: Call = sighting.call
    trace: tuple[Step, ...] = (
        *lock_path(facts.program, sighting.context, LOCK, call),
        step(function, call, f"{shown(call)} {_WORDS[how]}"),
    )
    sure = certain and how != "shared" and not has_hole(function)
    return facts.finding(
        function,
        call,
        f"{what} {how}",
        f"{what} {_WORDS[how]}",
        trace=trace,
        certainty=Certainty.MUST if sure else Certainty.MAY,
        severity=severity,
    )


def _operation(facts: Facts, sighting: Sighting) -> Finding | None:
    """A SEAMCALL that wants exclusion."""
    how = _broken(sighting)
    function = facts.program.lower(sighting.context.key)
    if not how or function is None:
        return None
    name = next(n for n in operations(sighting.call) if n in EXCLUSIVE_OPS)
    what = f"{name}() runs"
    return _finding(facts, function, sighting, how, what, Severity.ERROR, True)


def _split(facts: Facts, sighting: Sighting) -> Finding | None:
    """A new table is linked over a huge leaf that may belong to a mirror root."""
    function = facts.program.lower(sighting.context.key)
    if function is None or not _splits(facts, sighting.context.key):
        return None
    facts.count("splits of huge leafs seen in a lock state")
    how = _broken(sighting)
    mirror = mirror_of(sighting.facts, *sighting.call.args)
    if how in ("", "none") or mirror in (None, 0):
        return None
    if mirror == "mixed":
        facts.count("walks of all roots that split huge leafs under the read lock")
        if not any(DEMOTE & set(operations(s.call)) for s in _solve(facts).tracked.sightings.values()):
            return None  # nothing splits a huge S-EPT leaf in this tree
        what = "walks all valid roots and splits huge leafs; a mirror root among them would be split"
        return _finding(facts, function, sighting, how, what, Severity.INFO, False)
    what = (
        "a huge leaf of a mirror root is split"
        if mirror != "maybe"
        else "a huge leaf is split, of a mirror root if the fault is private,"
    )
    return _finding(facts, function, sighting, how, what, Severity.ERROR, mirror != "maybe")


def _removal(facts: Facts, sighting: Sighting) -> Finding | None:
    """An entry of a mirror root is taken away by an update for those who share the lock."""
    function, call = facts.program.lower(sighting.context.key), sighting.call
    slot = ATOMIC_UPDATES.get(call.callee, len(call.args))
    if function is None or slot >= len(call.args) or _broken(sighting) != "read":
        return None
    value, mirror = call.args[slot], mirror_of(sighting.facts, *call.args) == "nonzero"
    setters = reaching(function, call, value.id) if isinstance(value, Name) and value.id in function.locals else [None]
    for setter in setters:
        given = setter.value if isinstance(setter, Assign) else value if setter is None else None
        removes = given is not None and given.text in NONPRESENT
        if removes and (mirror or (setter is not None and _of_mirror(function, setter))):
            what = "an entry of a mirror root is removed"
            return _finding(facts, function, sighting, "read", what, Severity.ERROR, True)
    return None


def _of_mirror(function: Function, instr: Instr) -> bool:
    """Whether an instruction runs for entries of mirror roots only."""
    made = made_by(function)
    asked = {test.cond.id for test in taken(function, instr) if test.truth and isinstance(test.cond, Name)}
    return any(made[name].callee in MIRROR_TESTS for name in asked & made.keys())


def _installs(facts: Facts, result: HeldResult, sighting: Sighting) -> Finding | None:
    """A SEAMCALL that may be busy under the write lock, where an atomic update or a caller of its own led to it."""
    function = facts.program.lower(sighting.context.key)
    if function is None or held_mode(sighting.held, LOCK) != "w":
        return None
    facts.count("installing S-EPT operations seen under the write lock")
    name = next(n for n in operations(sighting.call) if n in INSTALLS)
    words = f"{name}() installs with mmu_lock held for write, where a busy SEAMCALL cannot be handed back"
    trace: tuple[Step, ...]
    if any(call is not None and UPDATE_OPS & set(operations(call)) for _, call in sighting.context.path()):
        # the exclusive update only removes; whether the atomic one comes here under the write lock is asserted in it
        broken = next((a for a in _contradicted(result) if _leads(a, sighting.context)), None)
        if broken is None:
            return None
        trace = (*lock_path(facts.program, broken, LOCK), step(function, sighting.call, words))
    else:
        trace = (*lock_path(facts.program, sighting.context, LOCK, sighting.call), step(function, sighting.call, words))
    certainty = Certainty.MAY if has_hole(function) else Certainty.MUST
    subject = f"{name} under the write lock"
    return facts.finding(function, sighting.call, subject, words, trace=trace, certainty=certainty)


def _contradicted(result: HeldResult) -> list[Context[Held]]:
    """Where the lock is held for write and said to be held for read."""
    found = (c for a in result.tracked.assertions.values() for c, call in a.contradicted if call.callee in READ_ASSERTS)
    return [c for c in found if held_mode(c.state, LOCK) == "w"]


def _leads(start: Context[Held], goal: Context[Held]) -> bool:
    """Whether what a context enters comes to another one."""
    seen, work = {start}, [start]
    while work:
        at = work.pop()
        if at is goal:
            return True
        new = [c for c in at.entered if c not in seen]
        seen.update(new)
        work += new
    return False


def _splits(facts: Facts, key: tuple[str, str]) -> bool:
    return not facts.program.definitions[key].mentions.isdisjoint(SPLIT_MARKS)


def check(facts: Facts) -> Iterator[Finding]:
    """Every sighting of an exclusive operation in every lock state that reaches it; the shortest path of each."""
    result = _solve(facts)
    best: dict[tuple[object, ...], Finding] = {}
    for sighting in result.tracked.sightings.values():
        exclusive = not EXCLUSIVE_OPS.isdisjoint(operations(sighting.call))
        if exclusive:
            facts.count("exclusive S-EPT operations seen in a lock state")
        if not INSTALLS.isdisjoint(operations(sighting.call)):
            found = _installs(facts, result, sighting)
        else:
            found = _operation(facts, sighting) if exclusive else _removal(facts, sighting) or _split(facts, sighting)
        if found is None:
            continue
        key = (found.location, found.subject, found.severity)
        if key not in best or len(found.trace) < len(best[key].trace):
            best[key] = found
    yield from best.values()


RULE = Rule(
    id="tdx-sept-op-without-write-lock",
    catalog=2,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    solves="locks held",
    provenance=(
        Provenance("doc", "arch/x86/kvm/vmx/tdx.c:tdh_do_no_vcpus", "KVM", "", "the retry relies on exclusion"),
        Provenance(
            "mail", "20260106101646.24809-1-yan.y.zhao@intel.com", "Yan Zhao", "2026-01-06", "cover letter, design 2.1"
        ),
        Provenance(
            "mail", "20260129011517.3545883-40-seanjc@google.com", "Sean Christopherson", "2026-01-29", "v5 39/45"
        ),
    ),
    bad=(
        """
        static void flush(struct kvm *kvm)
        {
                u64 err;

                read_lock(&kvm->mmu_lock);
                err = tdh_mem_track(&to_kvm_tdx(kvm)->td);  // expect
                TDX_BUG_ON(err, TDH_MEM_TRACK, kvm);
                read_unlock(&kvm->mmu_lock);
        }
        """,
    ),
    good=(
        """
        static void flush(struct kvm *kvm)
        {
                u64 err;

                write_lock(&kvm->mmu_lock);
                err = tdh_mem_track(&to_kvm_tdx(kvm)->td);
                TDX_BUG_ON(err, TDH_MEM_TRACK, kvm);
                write_unlock(&kvm->mmu_lock);
        }
        """,
    ),
)
