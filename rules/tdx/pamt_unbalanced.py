"""The Dynamic PAMT entry of a page is taken and not given back, or given back where it was not taken.

With Dynamic PAMT the TDX module needs PAMT pages for each 2M frame of which it owns a 4K page. One get for each 4K page
that is given to the module, one put when the page comes back or was never accepted: a missing put pins the PAMT pages
for ever and keeps the frame from being mapped at 2M, a put too much takes the entry away under pages that are in use.
Mappings of 2M need none.

Undo the get on every error path, under the same condition; do not put what the module has not given back; change the
count only under the lock that protects its changes from and to zero.

May be false: where the error path leaves a page that a teardown function puts, and that is not visible.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from analyzer.author import (
    Binary,
    Call,
    Certainty,
    Context,
    Facts,
    Finding,
    Function,
    Ledger,
    Left,
    Name,
    Provenance,
    Reach,
    Return,
    Rule,
    Seen,
    Severity,
    Step,
    Token,
    Vocabulary,
    calls_to,
    closes_always,
    covers,
    derives,
    ended,
    held_mode,
    in_loop,
    lock_path,
    opening_steps,
    owners,
    shown,
    solve_held,
    solve_pairs,
    step,
    value_in,
    words,
)
from rules.vocabulary.pairs import (
    COUNT_CHANGES,
    GUEST_MARKS,
    PAMT,
    PAMT_ALLOCS,
    PAMT_COUNTS,
    PAMT_FREES,
    PAMT_GETS,
    PAMT_PUTS,
    TAKES_BACK,
)

SCOPE = ("arch/x86/kvm/vmx/*", "arch/x86/virt/vmx/tdx/*", "arch/x86/kvm/mmu/*")
GETS, PUTS = frozenset(PAMT_GETS.split()), frozenset(PAMT_PUTS.split())
ALLOCS, FREES = frozenset(PAMT_ALLOCS.split()), frozenset(PAMT_FREES.split())
TABLE = "external_spt"
SHORT = 7  # lines of a helper that only compares
SETTING = re.compile(r"support|enabled|configured")
PLAIN = frozenset("alloc_page alloc_pages __get_free_page get_zeroed_page".split())


def _covers(path: str) -> bool:
    return covers(SCOPE, path)


def check(facts: Facts) -> Iterator[Finding]:
    """Openings that are left, closes that do not belong, and counts changed without their lock."""
    program = facts.program
    if not any(facts.names.where(lambda d: not d.mentions.isdisjoint(GETS | PUTS | ALLOCS | FREES | PAMT_COUNTS))):
        facts.count("calls on Dynamic PAMT entries", 0)
        return
    ledger = solve_pairs(program, facts.names, _with_settings(facts), PAMT, _covers, TAKES_BACK)
    facts.count("calls on Dynamic PAMT entries", len({id(s.call) for s in ledger.sightings if s.effect.mode != "free"}))
    yield from _once(_lefts(facts, ledger))
    yield from _once(_closes(facts, ledger))
    yield from _once(_handed(facts, ledger))
    yield from _once(_ended(facts, ledger))
    yield from _once(_counts(facts))


def _with_settings(facts: Facts) -> Vocabulary:
    """The vocabulary, to which a test of a setting, or of a number alone, tells the same each time."""
    definitions = facts.program.definitions
    near = (d for d in definitions.values() if _covers(d.path) and not d.mentions.isdisjoint(GETS | PUTS))
    words = frozenset().union(*(d.mentions for d in near))
    tests = frozenset(w for w in words if SETTING.search(w) or _number_test(facts, w))
    return replace(facts.vocabulary, predicates=facts.vocabulary.predicates | tests)


def _number_test(facts: Facts, name: str) -> bool:
    """Whether a function is one comparison of the numbers that it is given."""
    for key in facts.program.by_name.get(name, ()):
        found = facts.program.definitions[key]
        function = (
            facts.program.lower(key) if found.kind == "function" and found.end_line - found.line < SHORT else None
        )
        instrs = function.blocks[0].instrs if function is not None and len(function.blocks) == 1 else []
        value = instrs[0].value if len(instrs) == 1 and isinstance(instrs[0], Return) else None
        if not isinstance(value, Binary) or value.memory:
            return False
    return name in facts.program.by_name


def _once(findings: Iterator[Finding]) -> Iterator[Finding]:
    """One finding for each place and subject."""
    told: set[tuple[object, ...]] = set()
    for finding in findings:
        key = (finding.location.path, finding.location.line, finding.subject)
        if key not in told:
            told.add(key)
            yield finding


def _lefts(facts: Facts, ledger: Ledger) -> Iterator[Finding]:
    """What a failing function leaves taken, or overwrites."""
    for left in ledger.lefts.values():
        function = ledger.program.lower(left.context.key)
        name = left.token.name
        if function is None or name.endswith("[]") or not (left.lost or _fails(function, left, ledger)):
            continue
        if not name.startswith("#") and ("->" in name or "." in name) and (function.key, name) not in ledger.closed:
            continue  # it is in an object, and whoever tears that down puts it
        shown_name = _words(function, name) or "a page"
        if left.lost:
            message = f"the Dynamic PAMT entry of {shown_name} is taken and the page is lost"
        else:
            message = f"returns an error with the Dynamic PAMT entry of {shown_name} taken"
        trace = (*opening_steps(ledger, left.token), step(function, left.instr, message))
        sure = left.lost or left.value is not None
        certainty = None if sure else Certainty.MAY
        subject = f"PAMT entry of {shown_name} not put"
        yield facts.finding(function, left.instr, subject, message, trace=trace, certainty=certainty)


def _words(function: Function, name: str) -> str:
    return function.params[int(name[1:])].name if name.startswith("#") else words(function, Name(name))


def _fails(function: Function, left: Left, ledger: Ledger) -> bool:
    """Whether a return tells the caller of a failure, or may."""
    value, kind = left.value, function.returns
    if "*" in kind:
        return value in (0, "error pointer")
    if kind == "bool":
        return value == 0
    if kind == "void" or not isinstance(left.instr, Return) or value == 0:
        return False
    if value is not None:
        return True
    returned = left.instr.value
    if isinstance(returned, Name) and returned.id.startswith("TDX_"):
        return returned.id != "TDX_SUCCESS"
    calls = [c for c in function.calls() if returned is not None and c.result is returned]
    return any(c.callee not in GETS for c in calls)


def _closes(facts: Facts, ledger: Ledger) -> Iterator[Finding]:
    """Puts that do not belong to a get, and gets and puts of what needs none."""
    reach = Reach(facts, _levels, lambda function, level: (2, 3))
    for seen in ledger.sightings:
        function = ledger.program.lower(seen.context.key)
        if function is None:
            continue
        for subject, message in _wrong(reach, ledger, function, seen):
            trace = (*_above(ledger, seen.context), step(function, seen.call, f"{shown(seen.call)}: {message}"))
            yield facts.finding(function, seen.call, subject, message, trace=trace)


def _handed(facts: Facts, ledger: Ledger) -> Iterator[Finding]:
    """Helpers that put, called on a path that did not get."""
    for context, call, name, place, key in ledger.handed:
        function = ledger.program.lower(context.key)
        taken_elsewhere = (context.key, name) in ledger.opened
        if function is None or not taken_elsewhere or in_loop(function, call) or not closes_always(ledger, key, place):
            continue
        message = f"the Dynamic PAMT entry of {_words(function, name)} is put on a path that did not take it"
        trace = (*_above(ledger, context), step(function, call, f"{shown(call)}: {message}"))
        yield facts.finding(function, call, "PAMT entry put but not taken", message, trace=trace)


def _wrong(reach: Reach, ledger: Ledger, function: Function, seen: Seen) -> Iterator[tuple[str, str]]:
    call, name = seen.call, _words(function, seen.name)
    if seen.effect.mode == "free":
        if not seen.name.endswith("[]") and seen.token is not None and seen.token.site >= 0:
            yield f"{name} freed with its PAMT entry", f"{name} is freed with its Dynamic PAMT entry taken"
        return
    closes = seen.effect.mode == "close"
    failed = seen.failed if call.callee in PUTS else ""
    taken_elsewhere = seen.token is None and (function.key, seen.name) in ledger.opened
    if failed:
        yield "PAMT entry put after a failure", f"the Dynamic PAMT entry of {name} is put where {failed}() failed"
    elif closes and taken_elsewhere and not in_loop(function, call):
        yield "PAMT entry put but not taken", f"the Dynamic PAMT entry of {name} is put on a path that did not take it"
    elif call.callee in GETS | PUTS and _huge(reach, ledger, function, seen):
        what = "put" if closes else "taken"
        yield (
            f"PAMT entry of a huge mapping {what}",
            f"the Dynamic PAMT entry of {name} is {what} whatever the level is",
        )
    elif closes and seen.token is None and call.callee in FREES and _plain(function, seen.name):
        yield "plain page freed with a PAMT entry", f"{name} has no Dynamic PAMT entry, and {call.callee}() puts one"


def _ended(facts: Facts, ledger: Ledger) -> Iterator[Finding]:
    """Pages freed out of a field whose pages all have an entry."""
    known = owners(facts, ledger)
    for seen in ledger.sightings if known else ():
        function = ledger.program.lower(seen.context.key)
        found = ended(facts, ledger, known, seen) if seen.effect.mode == "free" else None
        if function is not None and found is not None:
            owner, steps = found
            name = words(function, seen.call.args[seen.effect.slot])
            message = f"{name} is freed with its Dynamic PAMT entry taken"
            subject = f"{owner.instr.target.text} freed with its PAMT entry"
            yield facts.finding(function, seen.call, subject, message, trace=steps)


def _plain(function: Function, name: str) -> bool:
    """Whether a variable is only ever set by an allocator that takes no PAMT entry."""
    made = [c.callee for c in function.calls() if c.result is not None and c.result.text == name]
    return bool(made) and all(c in PLAIN for c in made)


def _huge(reach: Reach, ledger: Ledger, function: Function, seen: Seen) -> bool:
    """Whether the page of a guest mapping is meant, of a level that may be more than 4K."""
    level = next(iter(_levels(function)), None)
    if level is None or not seen.call.args or "bugged" in {e.text.split("(")[0] for e in seen.facts}:
        return False
    page = _words(function, seen.name)
    if not derives(function, page, GUEST_MARKS) or _of_a_table(ledger, function, page):
        return False
    return not _small(ledger, level.text, seen.facts) and reach.of(function, level, seen.call).kind != "guarded"


def _levels(function: Function) -> tuple[Name, ...]:
    """The level of a mapping that a function is given."""
    return tuple(Name(p.name) for p in function.params if p.type == "enum pg_level" or p.name == "level")


def _of_a_table(ledger: Ledger, function: Function, page: str) -> bool:
    """Whether a page is one of the S-EPT itself: small, whatever the level of the entry that points to it."""
    if derives(function, page, (TABLE,)):
        return True
    makers = {c.callee for c in function.calls() if c.result is not None and c.result.text == page}
    keys = [k for name in makers for k in ledger.program.resolve(name, function.path)]
    return any(TABLE in ledger.program.definitions[k].mentions for k in keys)


def _small(ledger: Ledger, level: str, known: object) -> bool:
    """Whether the level is known to be 4K."""
    assert isinstance(known, dict)
    if value_in(ledger.program, ledger.vocabulary, Name(level), known) == 1:
        return True
    for expr, value in known.items():
        if isinstance(expr, Binary) and expr.left is Name(level):
            right = value_in(ledger.program, ledger.vocabulary, expr.right, known)
            if (expr.op, right, value) in ((">", 1, 0), ("<=", 1, "nonzero"), (">=", 2, 0), ("<", 2, "nonzero")):
                return True
    return False


def _above(ledger: Ledger, context: Context[frozenset[Token]]) -> tuple[Step, ...]:
    """The calls that lead to a context."""
    steps = []
    for seen, leaving in context.path()[:-1]:
        caller = ledger.program.lower(seen.key)
        if caller is not None and leaving is not None:
            steps.append(step(caller, leaving, f"calls {leaving.name}()"))
    return tuple(steps)


def _counts(facts: Facts) -> Iterator[Finding]:
    """Changes of a count of PAMT users that its lock does not cover."""
    users = facts.names.where(lambda d: _covers(d.path) and not d.mentions.isdisjoint(PAMT_COUNTS))
    definitions = facts.program.definitions
    locks = frozenset(w for k in users for w in definitions[k].mentions if "pamt" in w and "lock" in w)
    if not users or not locks:
        return
    result = solve_held(facts.program, facts.names, facts.vocabulary, locks, COUNT_CHANGES)
    for sighting in result.tracked.sightings.values():
        call, function = sighting.call, facts.program.lower(sighting.context.key)
        if function is None or function.key not in users or not _count(function, call):
            continue
        facts.count("changes of a count of PAMT users")
        if any(held_mode(sighting.held, lock) is not None for lock in locks):
            continue
        lock = min(locks)
        message = f"the count of PAMT users is changed without {lock}"
        trace = (*lock_path(facts.program, sighting.context, lock, call), step(function, call, message))
        yield facts.finding(function, call, "PAMT count changed without its lock", message, trace=trace)


def _count(function: Function, call: Call) -> bool:
    """Whether a call changes a count of PAMT users."""
    names = frozenset().union(*(a.names for a in call.args)) | {a.text for a in call.args}
    text = " ".join(a.text for a in call.args)
    made = {c.result.text for c in calls_to(function, PAMT_COUNTS) if c.result is not None}
    return any(w in text for w in PAMT_COUNTS) or not made.isdisjoint(names)


RULE = Rule(
    id="tdx-pamt-unbalanced",
    catalog=16,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    provenance=(
        Provenance(
            "mail",
            "aXENNKjAKTM9UJNH@google.com",
            "Sean Christopherson",
            "2026-01-21",
            "at allocation, by an API whose two halves are symmetric",
        ),
        Provenance(
            "mail", "20260106102304.25211-1-yan.y.zhao@intel.com", "Yan Zhao", "2026-01-06", "v3 17/24: for 4K only"
        ),
        Provenance(
            "mail", "20260106102359.25278-1-yan.y.zhao@intel.com", "Yan Zhao", "2026-01-06", "v3 21/24: on failure"
        ),
    ),
    bad=(
        """
        static int map_leaf(struct kvm *kvm, gfn_t gfn, enum pg_level level, kvm_pfn_t pfn)
        {
                int ret;

                if (level == PG_LEVEL_4K) {
                        ret = tdx_pamt_get(pfn, &to_kvm_tdx(kvm)->cache);
                        if (ret)
                                return ret;
                }
                ret = map_page(kvm, gfn, level, pfn);
                if (ret)
                        return ret;  // expect "returns an error with the Dynamic PAMT entry of pfn"
                return 0;
        }
        """,
    ),
    good=(
        """
        static int map_leaf(struct kvm *kvm, gfn_t gfn, enum pg_level level, kvm_pfn_t pfn)
        {
                int ret;

                if (level == PG_LEVEL_4K) {
                        ret = tdx_pamt_get(pfn, &to_kvm_tdx(kvm)->cache);
                        if (ret)
                                return ret;
                }
                ret = map_page(kvm, gfn, level, pfn);
                if (ret && level == PG_LEVEL_4K)
                        tdx_pamt_put(pfn);
                return ret;
        }
        """,
    ),
)
