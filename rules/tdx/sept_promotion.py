"""A table of a mirror root is replaced by a huge leaf.

The module merges S-EPT entries only when all of them are pending or all accepted, with every vCPU kept out, and KVM
has no such sequence: the mirror shows a leaf, the S-EPT still has the table, and what hangs below is torn down on one
side only. The fault path has to go down to the table that is there; recovering huge pages is for direct roots.

Lower the goal of a fault on a mirror root where a table is present, and leave mirror roots out of recovery.

May be false: where what limits the level of private memory is not in the code that is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from analyzer.author import (
    Certainty,
    CoarserProperty,
    Context,
    Explorer,
    Facts,
    Finding,
    Function,
    Install,
    Instr,
    Key,
    Provenance,
    Return,
    Root,
    Rule,
    Severity,
    Stage,
    Step,
    Walk,
    WalkSpec,
    covers,
    has_hole,
    implied,
    made_by,
    roots_in,
    shown,
    step,
    stored_params,
    surely,
    taken,
)
from rules.vocabulary.mirror import (
    AT_RISK,
    ATOMIC_WRITES,
    COLLAPSES,
    LEAF,
    LEAF_MAKERS,
    LEVEL_OP,
    MIRROR_TESTS,
    PRESENT,
    PROMOTE,
    SPARED,
    SPLIT_OPS,
    STORES,
    WALKERS,
)
from rules.vocabulary.private import SMALL, levels

MMU = ("arch/x86/kvm/mmu/*",)
TDX = "arch/x86/kvm/vmx/tdx*"


def _covers(path: str) -> bool:
    return covers(MMU, path)


def _huge(facts: Facts) -> Step | None:
    """What lets private memory be mapped above 4K: a level that TDX gives, or, where that is not seen, DEMOTE."""
    seen = False
    for key in _limits(facts):
        function = facts.program.lower(key)
        seen = seen or function is not None
        for block in function.blocks if function is not None else ():
            for instr in block.instrs:
                value = instr.value if isinstance(instr, Return) else None
                given = levels(facts, function, value) if function is not None and value is not None else ()
                if function is not None and not all(w in SMALL or w.startswith("-E") for w in given):
                    words = f"{function.name}() lets private memory be mapped at {value.text if value else ''}"
                    return step(function, instr, words)
    if seen or facts.program.whole:
        return None
    for function in facts.mentioning(SPLIT_OPS):
        call = next((c for c in function.calls() if {c.callee, c.table, *(a.text for a in c.args)} & SPLIT_OPS), None)
        if call is not None:
            return step(function, call, "huge private mappings are split here, so there are some")
    return None


def _limits(facts: Facts) -> frozenset[Key]:
    """The functions of TDX that limit the level of private memory."""

    def make() -> frozenset[Key]:
        stored = {k for e in facts.program.tables.get(LEVEL_OP, ()) for k in facts.program.resolve(e.function, e.path)}
        found = stored | {c for k in stored if not fnmatchcase(k[0], TDX) for c in facts.names.callees.get(k, ())}
        named = facts.names.where(lambda d: d.kind == "function" and d.name.endswith(LEVEL_OP))
        return frozenset(
            k for k in found | named if fnmatchcase(k[0], TDX) and facts.program.definitions[k].kind == "function"
        )

    return facts.solve("limits of private levels", make)


def _at_risk(facts: Facts) -> dict[Key, list[Root]]:
    """The functions that come by a root that may be a mirror root, and lead to a leaf being made."""
    makers = facts.names.where(
        lambda d: _covers(d.path) and d.kind == "function" and not d.mentions.isdisjoint(LEAF_MAKERS)
    )
    leading = frozenset(k for k in facts.names.reaching(makers) if _covers(k[0]))
    found = {}
    for function in facts.program.functions(
        sorted(k for k in leading if facts.program.definitions[k].kind == "function")
    ):
        roots = [r for r in roots_in(facts, function) if "mirror" in r.kinds]
        if roots:
            found[function.key] = roots
    return found


def _explored(facts: Facts, entries: dict[Key, list[Root]]) -> CoarserProperty:
    def sets(key: Key) -> bool:
        return bool(stored_params(facts, key, STORES, ATOMIC_WRITES, _covers))

    def steps(name: str) -> bool:
        return name == "tdp_iter_next" or WALKERS.match(name) is not None

    spec = WalkSpec(
        steps,
        frozenset(("tdp_mmu_next_root",)),
        AT_RISK,
        SPARED,
        PRESENT,
        LEAF,
        LEAF_MAKERS,
        sets,
        "goal_level",
        "PG_LEVEL_4K",
    )
    made = CoarserProperty(facts.program, spec)
    words = LEAF_MAKERS | {"goal_level"}
    wanted = facts.names.where(lambda d: _covers(d.path) and d.kind == "function" and not d.mentions.isdisjoint(words))
    relevant = frozenset(k for k in facts.names.reaching(wanted) if _covers(k[0]))
    explorer = Explorer(facts.program, facts.vocabulary, made, relevant)
    for key in sorted(entries):
        explorer.enter(key, Walk(), {})
    return made


def _finding(facts: Facts, install: Install, roots: list[Root], huge: Step) -> Finding | None:
    path = install.context.path()
    first: Context[Walk] = path[0][0]
    function = facts.program.lower(first.key)
    if function is None:
        return None
    leaving = path[0][1] or install.call
    root = roots[0]
    both = "a root that may be a mirror root" if len(root.kinds) > 1 else "a mirror root"
    trace = [huge, step(function, root.instr, f"{root.name} is {both}")]
    for seen, call in path[:-1]:
        caller = facts.program.lower(seen.key)
        if caller is not None and call is not None:
            trace.append(step(caller, call, f"calls {call.name}()"))
    inner = facts.program.lower(install.context.key) or function
    trace.append(step(inner, install.call, f"installs the leaf: {shown(install.call)}"))
    words = f"{leaving.name}() installs a leaf where a table of {both} may hang"
    may = Certainty.MAY if has_hole(function) or not facts.program.whole else Certainty.MUST
    return facts.finding(function, leaving, "leaf over a mirror table", words, trace=tuple(trace), certainty=may)


def _promoted(facts: Facts) -> Iterator[Finding]:
    """The module is asked to merge a table."""
    for function in facts.mentioning(PROMOTE, lambda path: covers((*MMU, TDX), path)):
        for call in function.calls():
            name = call.callee if call.callee in PROMOTE else next((a.text for a in call.args if a.text in PROMOTE), "")
            if name:
                words = f"{name}() merges an S-EPT table, with vCPUs that may be using it"
                yield facts.finding(function, call, name, words, trace=(step(function, call, shown(call)),))


def _collapsed(facts: Facts) -> Iterator[Finding]:
    """A leaf is made of the entries below, where these are of a mirror table."""

    def mirror(function: Function, instr: Instr) -> Step | None:
        for assume in taken(function, instr):
            for cond, truth, within in implied(facts.program, function, assume):
                made = made_by(within).get(cond.text)
                if truth and (cond.text.endswith("role.is_mirror") or (made and made.callee in MIRROR_TESTS)):
                    return step(function, assume, "here the table is one of a mirror root")
        return None

    for function in facts.mentioning(COLLAPSES, _covers):
        made = next((c for c in function.calls() if c.callee in COLLAPSES), None)
        for call in function.calls() if made is not None else ():
            keys = facts.program.resolve(call.callee, function.path) if call.callee else ()
            stores = any(stored_params(facts, k, STORES, ATOMIC_WRITES, _covers) for k in keys)
            way = surely(facts, function.key, call, mirror) if stores else ()
            if way and made is not None:
                words = f"{call.name}() replaces a table of a mirror root by one leaf"
                trace = (*way, step(function, made, "makes one leaf of the table"), step(function, call, shown(call)))
                yield facts.finding(function, call, "mirror table collapsed", words, trace=trace)
                break


def check(facts: Facts) -> Iterator[Finding]:
    """What merges a table; installs only where private memory can be huge at all."""
    yield from _promoted(facts)
    yield from _collapsed(facts)
    entries = _at_risk(facts)
    facts.count("walks of mirror roots that make leafs", len(entries))
    huge = _huge(facts)
    if huge is None:
        facts.count("trees that map private memory at 4K only")
        return
    made = _explored(facts, entries)
    facts.count("installs looked at", made.seen)
    done = set()
    for install in made.installs.values():
        roots = entries.get(install.context.path()[0][0].key, [])
        found = _finding(facts, install, roots, huge) if roots else None
        if found is not None and found.location not in done:
            done.add(found.location)
            yield found


RULE = Rule(
    id="tdx-sept-promotion",
    catalog=13,
    severity=Severity.ERROR,
    scope=(*MMU, TDX),
    check=check,
    stage=Stage.STABLE,
    provenance=(
        Provenance(
            "mail", "20260106101646.24809-1-yan.y.zhao@intel.com", "Yan Zhao", "2026-01-06", "cover letter, design 7"
        ),
        Provenance("mail", "aXeRf4Jw6-Sl1JCe@google.com", "Sean Christopherson", "2026-01-26", "the guard on the root"),
    ),
    bad=(
        """
        // path: arch/x86/kvm/vmx/tdx.c
        int tdx_gmem_max_mapping_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
        {
                return is_private ? PG_LEVEL_2M : 0;
        }
        // path: arch/x86/kvm/mmu/tdp_mmu.c
        static int put_leaf(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
        {
                return try_cmpxchg64(rcu_dereference_protected(iter->sptep, 1), &iter->old_spte, new_spte) ? 0 : -EBUSY;
        }

        int map(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault, struct kvm_mmu_page *sp)
        {
                struct kvm_mmu_page *root = tdp_mmu_get_root_for_fault(vcpu, fault);
                struct tdp_iter iter;
                u64 spte;

                for_each_tdp_pte(iter, vcpu->kvm, root, fault->gfn, fault->gfn + 1) {
                        if (iter.level != fault->goal_level)
                                continue;
                        make_spte(vcpu, sp, fault->slot, 0, iter.gfn, fault->pfn, iter.old_spte, &spte);
                        return put_leaf(vcpu->kvm, &iter, spte);  // expect "a table"
                }
                return -EAGAIN;
        }
        """,
    ),
    good=(
        """
        // path: arch/x86/kvm/vmx/tdx.c
        int tdx_gmem_max_mapping_level(struct kvm *kvm, kvm_pfn_t pfn, bool is_private)
        {
                return is_private ? PG_LEVEL_2M : 0;
        }
        // path: arch/x86/kvm/mmu/tdp_mmu.c
        static int put_leaf(struct kvm *kvm, struct tdp_iter *iter, u64 new_spte)
        {
                return try_cmpxchg64(rcu_dereference_protected(iter->sptep, 1), &iter->old_spte, new_spte) ? 0 : -EBUSY;
        }

        int map(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault, struct kvm_mmu_page *sp)
        {
                struct kvm_mmu_page *root = tdp_mmu_get_root_for_fault(vcpu, fault);
                struct tdp_iter iter;
                u64 spte;

                for_each_tdp_pte(iter, vcpu->kvm, root, fault->gfn, fault->gfn + 1) {
                        if (iter.level != fault->goal_level)
                                continue;
                        if (is_mirror_sp(root) && is_shadow_present_pte(iter.old_spte) &&
                            !is_large_pte(iter.old_spte)) {
                                fault->goal_level--;
                                continue;
                        }
                        make_spte(vcpu, sp, fault->slot, 0, iter.gfn, fault->pfn, iter.old_spte, &spte);
                        return put_leaf(vcpu->kvm, &iter, spte);
                }
                return -EAGAIN;
        }
        """,
    ),
)
