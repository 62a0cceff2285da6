"""A mirror SPTE is accounted, committed or read out of order while the S-EPT is changed.

Under the read lock a mirror SPTE is frozen, the S-EPT is changed, the change is accounted and traced, and the new value
is committed; if the module refuses, the old value comes back. Accounting first leaves counters and lists wrong when
the module says BUSY. A new value that is visible before the S-EPT has it lets other vCPUs install below an entry that
the module does not have. An SPTE that stays frozen makes every fault on it retry for ever, and one that is read
again is FROZEN_SPTE instead of the old value.

Do the fallible step between freeze and commit, and write the old or the new value on every path.

May be false: a path on which the order of two changes of different entries is told by data only.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.author import (
    Assign,
    Call,
    CommitProperty,
    CommitSpec,
    Definition,
    Entry,
    Explorer,
    Expr,
    Facts,
    Finding,
    Function,
    Key,
    Name,
    Provenance,
    Return,
    Rule,
    Severity,
    Slip,
    Stage,
    Step,
    Writer,
    callers_of,
    covers,
    made_by,
    recalled,
    shown,
    step,
    stored_params,
)
from rules.vocabulary.mirror import (
    ACCOUNTS,
    ATOMIC_WRITES,
    EXTERNAL,
    FROZEN,
    MIRROR_TESTS,
    READS,
    RETIRES,
    STORES,
    TRIES,
)
from rules.vocabulary.seamcall import VOID_OPS

SCOPE = ("arch/x86/kvm/mmu/*",)
PRIMITIVES = frozenset((*STORES, *ATOMIC_WRITES, *READS))


def _covers(path: str) -> bool:
    return covers(SCOPE, path)


def _external(facts: Facts, call: Call) -> bool:
    """A change of the external table that can fail."""
    if call.callee or not call.table or not EXTERNAL.search(call.table) or call.table in VOID_OPS:
        return False
    if not any(a.text.endswith("spte") or "gfn" in a.text for a in call.args):
        return False
    found = facts.solve(
        "members of op tables", lambda: {f.name: f.returns for f in facts.program.fields() if not f.defined}
    )
    return found.get(call.table) != "void"


def _writer(facts: Facts, function: Function) -> Writer | None:
    """What a thin wrapper of a compare and exchange stores, and where."""
    words = facts.program.definitions[function.key].mentions
    if any(ACCOUNTS.match(w) for w in words) or any(w in STORES for w in words):
        return None
    if any(c.table for c in function.calls()) or not function.returns.endswith(("int", "bool")):
        return None
    places = {p.name: i for i, p in enumerate(function.params)}
    made = made_by(function)
    for call in function.calls():
        if call.callee in TRIES and len(call.args) > 2:
            pointer = call.args[0]
            if isinstance(pointer, Name) and pointer.id in made and made[pointer.id].args:
                pointer = made[pointer.id].args[0]
            root = next((n for n in pointer.names if n in places), None)
            value = call.args[2].text
            if root is None or (value not in places and value != FROZEN):
                return None
            field = pointer.text.split("->", 1)[1] if "->" in pointer.text else ""
            negative = not function.returns.endswith("bool")
            return Writer(places.get(value, 0), places[root], field, negative, value == FROZEN)
    return None


def _writers(facts: Facts) -> dict[Key, Writer]:
    """The thin wrappers of the files in scope; one that hands its own parameters to another is one too."""
    keys = facts.names.where(
        lambda d: _covers(d.path) and d.kind == "function" and not d.mentions.isdisjoint(ATOMIC_WRITES)
    )
    found = {f.key: w for f in facts.program.functions(sorted(keys)) if (w := _writer(facts, f)) is not None}
    for key in list(found):
        for site in callers_of(facts, key):
            made = _hands_on(facts, site.function, site.call, found[key])
            if made is not None and site.function.key not in found:
                found[site.function.key] = made
    return found


def _hands_on(facts: Facts, function: Function, call: Call, writer: Writer) -> Writer | None:
    places = {p.name: i for i, p in enumerate(function.params)}
    returned = {
        i.value.text for b in function.blocks for i in b.instrs if isinstance(i, Return) and i.value is not None
    }
    if len(function.blocks) > 3 or call.result is None or call.result.text not in returned:
        return None
    if any(c.callee in STORES for c in function.calls()):
        return None  # it does not leave the entry as the exchange did
    entry, value = call.args[writer.entry], call.args[writer.value]
    if entry.text not in places or (value.text not in places and value.text != FROZEN):
        return None
    return Writer(places.get(value.text, 0), places[entry.text], writer.field, writer.negative, value.text == FROZEN)


def _explored(facts: Facts) -> CommitProperty:
    """Every function that takes an entry, or accounts around what does."""
    stores = {**STORES, "WRITE_ONCE": 1}
    spec = CommitSpec(TRIES, stores, FROZEN, READS, ACCOUNTS, lambda c: _external(facts, c), MIRROR_TESTS)
    writers = _writers(facts)
    constants = {**facts.vocabulary.constants, **facts.program.constants}
    names = frozenset(k[1] for k in writers) | ATOMIC_WRITES
    members = {f.name: f.returns for f in facts.program.fields() if EXTERNAL.search(f.name)}
    ops = frozenset((*members, *(n for n in facts.program.tables if EXTERNAL.search(n))))
    takers = facts.names.where(lambda d: _covers(d.path) and d.kind == "function" and not d.mentions.isdisjoint(names))
    tellers = facts.names.where(lambda d: _covers(d.path) and d.kind == "function" and not d.mentions.isdisjoint(ops))
    above = frozenset(k for k in facts.names.reaching(takers | tellers) if _covers(k[0]))
    below = frozenset(k for k in facts.names.reaching(facts.names.where(_accounts)) if _covers(k[0]))
    relevant = above | (below & facts.names.reachable(takers))
    counts = frozenset(k for k in above if any(ACCOUNTS.match(w) for w in facts.program.definitions[k].mentions))
    starts = (takers | counts) - set(writers)

    def explored() -> CommitProperty:
        made = CommitProperty(facts.program, spec, constants, writers)
        explorer = Explorer(facts.program, facts.vocabulary, made, relevant)
        for key in sorted(starts):
            explorer.enter(key, Entry(), {})
        return made

    beside = (starts, frozenset(writers.items()), frozenset(members.items()))
    return recalled(facts, "commits", relevant | set(writers), beside, explored, lambda made: not made.slips)


def _accounts(definition: Definition) -> bool:
    mentions = definition.mentions if _covers(definition.path) else frozenset()
    return any(ACCOUNTS.match(w) for w in mentions) or not mentions.isdisjoint({*STORES, *READS} - {"READ_ONCE"})


_WORDS = {
    "early": ("before the S-EPT takes the change", "{} counts a change that the S-EPT may still refuse"),
    "frozen": ("SPTE left frozen", "returns with the SPTE frozen"),
    "published": ("new value before the S-EPT", "the new value stands although the S-EPT refuses the change"),
    "wrong-new": ("new value after a failure", "{} commits the new value although the S-EPT refuses the change"),
    "wrong-old": ("old value after success", "{} restores the old value although the S-EPT has the change"),
    "reread": ("SPTE read while frozen", "{} reads the SPTE again while it is frozen"),
    "refrozen": ("SPTE frozen for good", "{} leaves the SPTE frozen for good"),
}


def _finding(facts: Facts, slip: Slip, made: CommitProperty) -> Finding | None:
    function = facts.program.lower(slip.key)
    if function is None:
        return None
    at = slip.account or slip.instr
    name = f"{at.name}()" if isinstance(at, Call) else "the statement"
    subject, words = _WORDS[slip.kind]
    trace: list[Step] = []
    for seen, leaving in slip.context.path()[:-1]:
        caller = facts.program.lower(seen.key)
        if caller is not None and leaving is not None:
            trace.append(step(caller, leaving, f"calls {leaving.name}()"))
    home = facts.program.lower(slip.state.home)
    taken = made.taken.get(slip.state.home)
    if home is not None and taken is not None and slip.kind != "early":
        what = "frozen" if slip.state.phase == "frozen" else "taken"
        trace.append(step(home, taken, f"the SPTE is {what}: {shown(taken) if isinstance(taken, Call) else ''}"))
    if slip.account is not None:
        trace.append(step(function, slip.account, shown(slip.account)))
    at_return = facts.program.lower(slip.context.key) or function
    if slip.state.other:
        trace.append(
            step(
                at_return,
                slip.instr,
                f"here the change in the S-EPT {'succeeded' if slip.state.other == 'ok' else 'failed'}",
            )
        )
    trace.append(step(at_return, slip.instr, shown(slip.instr) if isinstance(slip.instr, Call) else words.format(name)))
    return facts.finding(function, at, subject, words.format(name), trace=tuple(trace))


# -- the frozen value as the long-term one --------------------------------------------------------------------------


def _stored(facts: Facts, key: Key) -> frozenset[int]:
    return stored_params(facts, key, STORES, ATOMIC_WRITES, _covers)


def _tells(facts: Facts, key: Key) -> bool:
    """Whether a function does the bookkeeping of a change as well."""
    below = facts.names.reachable((key,))
    return any(
        EXTERNAL.search(w) and "spte" in w
        for k in below
        if _covers(k[0])
        for w in facts.program.definitions[k].mentions
    )


def _frozen_text(function: Function, expr: Expr) -> bool:
    if expr.text == FROZEN:
        return True
    values = [
        i.value.text for b in function.blocks for i in b.instrs if isinstance(i, Assign) and i.target.text == expr.text
    ]
    return FROZEN in values


def _for_good(facts: Facts) -> Iterator[Finding]:
    """FROZEN_SPTE handed to what sets an SPTE for good, or stored where nothing thaws it."""
    for function in facts.mentioning(frozenset((FROZEN,)), _covers):
        for call in function.calls():
            at = [i for i, a in enumerate(call.args) if _frozen_text(function, a)]
            for key in (
                facts.program.resolve(call.callee, function.path) if at and call.callee not in PRIMITIVES else ()
            ):
                facts.count("calls with the frozen value looked at")
                if set(at) & _stored(facts, key) and _tells(facts, key):
                    words = f"{call.callee}() sets FROZEN_SPTE as the new value"
                    trace = (step(function, call, shown(call)),)
                    yield facts.finding(function, call, "SPTE frozen for good", words, trace=trace)
            if call.callee in STORES and STORES[call.callee] in at and not _thawed(facts, function, call):
                words = f"{call.callee}() freezes an SPTE that nothing thaws and whose table stays"
                yield facts.finding(
                    function, call, "SPTE frozen for good", words, trace=(step(function, call, shown(call)),)
                )


def _thawed(facts: Facts, function: Function, call: Call, levels: int = 2) -> bool:
    """Whether another value follows, or the table that the entry is in goes away."""
    others = [
        c for c in function.calls() if c.callee in STORES and c is not call and c.args[0].text == call.args[0].text
    ]
    if any(not _frozen_text(function, c.args[STORES[c.callee]]) for c in others) or not facts.program.whole:
        return True
    near = {function.key, *facts.names.callees.get(function.key, ())}
    if any(not facts.program.definitions[k].mentions.isdisjoint(RETIRES) for k in near):
        return True
    sites = callers_of(facts, function.key) if levels else []
    return any(_thawed(facts, s.function, s.call, levels - 1) for s in sites if s.call.args)


def check(facts: Facts) -> Iterator[Finding]:
    """Follow each entry from the exchange to the commit, then look for the frozen value as a lasting one."""
    made = _explored(facts)
    facts.count("SPTEs taken by compare and exchange", len(made.taken))
    facts.count("commits and restores of frozen SPTEs", made.commits)
    done: set[tuple[object, ...]] = set()
    for slip in made.slips.values():
        found = _finding(facts, slip, made)
        if found is not None and (found.location, found.subject) not in done:
            done.add((found.location, found.subject))
            yield found
    yield from _for_good(facts)


RULE = Rule(
    id="tdx-mirror-commit-misordered",
    catalog=9,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    stage=Stage.STABLE,
    provenance=(
        Provenance("doc", "arch/x86/kvm/mmu/tdp_mmu.c:tdp_mmu_set_spte_atomic", "KVM", "", "freeze, update, commit"),
        Provenance(
            "mail", "20260129011517.3545883-1-seanjc@google.com", "Yan Zhao", "2026-02-11", "v5: statistics come last"
        ),
    ),
    bad=(
        """
        // path: arch/x86/kvm/mmu/tdp_mmu.c
        static int install(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
        {
                int ret;

                if (!try_cmpxchg64(rcu_dereference_protected(iter->sptep, 1), &iter->old_spte, FROZEN_SPTE))
                        return -EBUSY;
                kvm_update_page_stats(kvm, iter->level, 1);  // expect "may still refuse"
                ret = kvm_x86_call(set_external_spte)(kvm, iter->gfn, iter->old_spte, new_spte, iter->level);
                __kvm_tdp_mmu_write_spte(iter->sptep, ret ? iter->old_spte : new_spte);
                return ret;
        }
        """,
    ),
    good=(
        """
        // path: arch/x86/kvm/mmu/tdp_mmu.c
        static int install(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
        {
                int ret;

                if (!try_cmpxchg64(rcu_dereference_protected(iter->sptep, 1), &iter->old_spte, FROZEN_SPTE))
                        return -EBUSY;
                ret = kvm_x86_call(set_external_spte)(kvm, iter->gfn, iter->old_spte, new_spte, iter->level);
                if (!ret)
                        kvm_update_page_stats(kvm, iter->level, 1);
                __kvm_tdp_mmu_write_spte(iter->sptep, ret ? iter->old_spte : new_spte);
                return ret;
        }
        """,
    ),
)
