"""A page that the TDX module still owns is freed to the page allocator.

The page holds data under the key of a TD, and the module goes on using it: who gets it next reads garbage, and writing
to it poisons the TD or takes the machine down with a machine check. A page comes back by a reclaim that succeeded
(control pages, S-EPT tables) or by REMOVE, cache flush and reset (guest memory); S-EPT tables are reclaimed once the
HKID is released. What cannot be taken back is leaked, and no pointer to it is left for others to free.

Free a page only on the path on which it was taken back, and clear the pointer.

May be false: where the page was never handed over, for a reason that is not in the functions shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from analyzer.author import (
    STORE,
    Assign,
    Binary,
    Call,
    Const,
    Context,
    Expr,
    Facts,
    Field,
    Finding,
    Function,
    Instr,
    Keeper,
    Move,
    Name,
    Provenance,
    Rule,
    Severity,
    Step,
    covers,
    derives,
    index_value,
    leads_to,
    loop_of,
    parts,
    reaching,
    shown,
    solve_custody,
    step,
    values_of,
    words,
)
from rules.vocabulary.custody import ARRAYS, CUSTODY, LIST_WALKS, LISTS, PAGES, VIEWS, WRITE_BACKS
from rules.vocabulary.seamcall import KEY_TEST

SCOPE = ("arch/x86/kvm/vmx/*", "arch/x86/kvm/mmu/*")
TABLE = ".external_spt"
_CONTROL = frozenset(f".{p}{'[]' if p in ARRAYS else ''}" for p in PAGES) - {TABLE}
_NOTES = {"": "guest"}  # what matters for guest memory; for all others it is the key
REFERENCES = frozenset(("put_page", "folio_put"))  # drop a reference, which need not be the last
FREES = frozenset("__free_page __free_pages free_page free_pages".split())
TAKES = frozenset("tdh_phymem_page_reclaim tdx_reclaim_page __tdx_reclaim_page tdx_reclaim_control_page".split())
OWNED = ("given", "part", "failed")
Custody = frozenset[tuple[str, str]]


def _covers(path: str) -> bool:
    return covers(SCOPE, path)


def _start(facts: Facts, key: tuple[str, str], page: str) -> Custody:
    """What TDX code finds on entry: its pages are with the module; so is what an RCU callback gets to see."""
    mentions = facts.program.definitions[key].mentions
    if not page:
        return frozenset({("guest", "mapped")} if "tdh_mem_page_remove" in mentions else set())
    function = facts.program.lower(key)
    callback = function is not None and any("rcu_head" in p.type for p in function.params)
    owned = "/vmx/" in key[0] or callback
    return frozenset({(f".{page}[]" if page in ARRAYS else f".{page}", "given")} if owned else set())


def _keepers(facts: Facts) -> Iterator[Keeper]:
    """The moves of each page that has a field, then those of pages that only variables hold."""
    for page in (*sorted(PAGES), ""):
        yield solve_custody(
            facts.program,
            facts.names,
            facts.vocabulary,
            CUSTODY,
            _covers,
            frozenset((page,)) if page else frozenset(),
            VIEWS,
            partial(_start, facts, page=page),
            frozenset((_NOTES.get(page, "@hkid"),)),
        )


def check(facts: Facts) -> Iterator[Finding]:
    """Pages that are freed or reclaimed in a state in which they must not be, and pointers that are left."""
    told: set[tuple[object, ...]] = set()
    calls: set[int] = set()
    for keeper in _keepers(facts):
        calls |= {id(m.call) for m in keeper.moves}
        for finding in (*_moves(facts, keeper), *_pointers(facts, keeper)):
            key = (finding.location.path, finding.location.line, finding.subject)
            if key not in told:
                told.add(key)
                yield finding
    yield from _parked(facts)
    facts.count("moves of pages between KVM and the TDX module", len(calls))


def _parked(facts: Facts) -> Iterator[Finding]:
    """Pages of the module that are put into an object whose pages somebody frees later, with no reclaim before."""
    freed = {place: (f, c) for f in facts.mentioning(FREES, _covers) for c, place in _frees(f)}
    for function in facts.mentioning(PAGES, _covers) if freed else ():
        for instr, value, place in _parks(function):
            if value.name not in PAGES or place not in freed or _back_before(function, instr, value):
                continue
            home, call = freed[place]
            name = words(function, value)
            message = f"{name} is left to {home.name}() to free while the TDX module owns it"
            trace = (step(function, instr, message), step(home, call, shown(call)))
            yield facts.finding(function, instr, f"{name} left to be freed", message, trace=trace)


def _parks(function: Function) -> Iterator[tuple[Instr, Field, tuple[str, str]]]:
    """Members that are stored in a member of another object, or put on a list: where, what, and what keeps them."""
    for instr in (i for b in function.blocks for i in b.instrs):
        if isinstance(instr, Assign):
            value = next((p for p in parts(instr.value) if isinstance(p, Field)), None)
            if value is not None:
                yield instr, value, _member(function, instr.target)
        elif isinstance(instr, Call) and instr.callee in LISTS and len(instr.args) > 1:
            head = next((p for p in parts(instr.args[1]) if isinstance(p, Field)), None)
            for value in _fields(function, Name(instr.args[0].root)) if head is not None else ():
                yield instr, value, ("list", head.name if head is not None else "")


def _back_before(function: Function, instr: Instr, value: Field) -> bool:
    """Whether every path to an instruction has taken the page of a member back."""
    takes = {id(c) for c in function.calls() if c.callee in TAKES for a in c.args for p in _fields(function, a)
             if p.name == value.name}  # fmt: skip
    seen, work = {0}, [0]
    while work:
        block = function.blocks[work.pop()]
        for each in block.instrs:
            if each is instr:
                return False
            if id(each) in takes:
                break
        else:
            work += [n for n in block.successors if n not in seen]
            seen.update(block.successors)
    return True


def _fields(function: Function, expr: Expr) -> Iterator[Field]:
    """The members in an expression, and in what its variable is made of."""
    made = list(values_of(function, expr.text))
    given = (a for v in made if isinstance(v, Call) and v.callee in VIEWS for a in v.args)
    for value in (expr, *(v for v in made if not isinstance(v, Call)), *given):
        yield from (p for p in parts(value) if isinstance(p, Field))


def _frees(function: Function) -> Iterator[tuple[Call, tuple[str, str]]]:
    """The calls that free a member of an object, without a reclaim in the same function."""
    if any(c.callee in TAKES for c in function.calls()):
        return
    walked = {c.args[0].text: p for c in function.calls() if c.callee in LIST_WALKS and len(c.args) > 1
              for p in _heads(c)}  # fmt: skip
    for call in function.calls():
        page = call.args[0] if call.callee in FREES and call.args else None
        place = _member(function, page) if page is not None else ("", "")
        if page is not None and page.text in walked:
            place = ("list", walked[page.text])
        if place[0]:
            yield call, place


def _heads(walk: Call) -> Iterator[str]:
    """The member that is the head of a list that is walked."""
    yield from (p.name for a in walk.args[1:] for p in parts(a) if isinstance(p, Field))


def _member(function: Function, expr: Expr) -> tuple[str, str]:
    """The struct and the name of the member that a place is."""
    if not isinstance(expr, Field) or expr.name in PAGES:
        return ("", "")
    kind = function.locals.get(expr.root, "").replace("*", "").strip()
    return (kind, expr.name) if kind.startswith("struct ") else ("", "")


def _moves(facts: Facts, keeper: Keeper) -> Iterator[Finding]:
    for seen in keeper.moves:
        move = _named(keeper, seen) if seen.effect.mode == "take" else seen
        function = keeper.program.lower(move.context.key)
        wrong = _wrong(facts, keeper, function, move) if function is not None else None
        if function is not None and wrong is not None:
            subject, message = wrong
            before = (*_history(keeper, move), *_way(keeper, move.context))
            trace = (*before, step(function, move.call, f"{shown(move.call)}: {message}"))
            yield facts.finding(function, move.call, subject, message, trace=trace)


def _cleared(function: Function, move: Move) -> bool:
    """Whether the function gives up the field: then the reference that it drops is the last one."""
    stores = [c.args[0] for c in function.calls() if c.callee == STORE]
    return any(isinstance(target, Field) and target.name == _field(move.name) for target in stores)


def _history(keeper: Keeper, move: Move) -> tuple[Step, ...]:
    """The call that brought the page into its state: it was handed over, or its reclaim failed."""
    mode = "take" if move.status == "failed" else "give"
    name, top = _named(keeper, move).name, move.context.path()[0][0]
    for other in reversed(keeper.moves):
        function = keeper.program.lower(other.context.key)
        same = other.effect.mode == mode and other.context.path()[0][0] is top and _named(keeper, other).name == name
        if same and function is not None:
            note = "the reclaim that may fail" if mode == "take" else "hands it to the TDX module"
            return (step(function, other.call, f"{shown(other.call)}: {note}"),)
    return ()


def _wrong(facts: Facts, keeper: Keeper, function: Function, move: Move) -> tuple[str, str] | None:
    """Subject and message of a move that must not be."""
    name = _words(function, move)
    if move.effect.mode == "take":
        page = "S-EPT" if move.name == TABLE else "control" if move.name in _CONTROL and _knows(facts, KEY_TEST) else ""
        if page and dict(move.state).get("@hkid") != "no" and "/vmx/" in function.path:
            return f"{name} reclaimed with HKID", f"the {page} page {name} is reclaimed where the HKID may be assigned"
        return None
    if move.effect.mode != "free":
        return None
    stage = dict(move.state).get("guest", "reset")
    if stage != "reset" and derives(function, move.name, ("pfn",)):
        return f"guest page {name} freed", f"the guest page {name} is freed and is {_STAGES[stage]}"
    if move.call.callee in REFERENCES and not _cleared(function, move):
        return None
    if move.status == "back" and _knows(facts, WRITE_BACKS.get(_field(move.name), "")):
        return f"{name} freed without write-back", f"{name} is freed with lines of the guest's key in the caches"
    if move.status == "failed":
        return f"{name} freed after failure", f"{name} is freed although the TDX module has not given it back"
    if move.status == "given" or (move.status == "part" and _from_start(facts, keeper, function, move)):
        return f"{name} freed", f"{name} is freed while the TDX module owns it"
    return None


def _knows(facts: Facts, word: str) -> bool:
    """Whether the code shown is complete and has a function, so that it was left out where it is missing."""
    return facts.program.whole and word in facts.program.by_name


_STAGES = {"mapped": "still mapped", "removed": "not flushed", "flushed": "not reset"}


def _named(keeper: Keeper, move: Move) -> Move:
    """A reclaim by a helper, as the function sees it that knows what page it is."""
    while move.name.startswith("#") and move.context.caller is not None and move.context.call is not None:
        place, call = int(move.name[1:].removesuffix("[]")), move.context.call
        name = keeper.origins.get((id(call), place), "")
        if not name:
            break
        move = replace(move, name=name, call=call, context=move.context.caller)
    return move


def _words(function: Function, move: Move) -> str:
    if move.name.startswith("#"):
        return function.params[int(move.name[1:].removesuffix("[]"))].name
    if "%" in move.name or not move.name:
        return words(function, move.call.args[0]) if move.call.args else "a page"
    return move.name.lstrip(".")


def _from_start(facts: Facts, keeper: Keeper, function: Function, move: Move) -> bool:
    """Whether an unwinding loop runs over the elements that were handed over already."""
    constants = {**facts.vocabulary.constants, **facts.program.constants}
    if index_value(move, constants) == 0:
        return True
    if not isinstance(move.index, Name):
        return False
    given = [m.call for m in keeper.moves if m.effect.mode == "give" and m.name == move.name]
    given = [c for c in given if any(c is known for known in function.calls())]
    for setter in reaching(function, move.call, move.index.id):
        reset = isinstance(setter, Assign) and isinstance(setter.value, Const) and setter.value.value == 0
        if reset and setter is not None and any(leads_to(function, c, setter) for c in given):
            return True
    for number in loop_of(function, move.call):
        for instr in function.blocks[number].instrs:
            steps = isinstance(instr, Assign) and instr.target is move.index and isinstance(instr.value, Binary)
            if steps and isinstance(instr, Assign) and isinstance(instr.value, Binary) and instr.value.op == "-":
                return True
    return False


def _pointers(facts: Facts, keeper: Keeper) -> Iterator[Finding]:
    """Fields that still point to what was freed, or to a table that was leaked, where the outermost caller returns."""
    stale = {t for c, _, s in keeper.leaves if c.caller is None for t in s if _stale(*t)}
    left = [
        (c, i, name, status)
        for c, i, s in keeper.leaves
        for name, status in sorted(s & stale)
        if "/vmx/" in c.key[0]
        and dict(c.state).get(name) != status
        and _field(name) in facts.program.definitions[c.key].mentions
    ]
    outer = {id(above) for c, _, _, _ in left for above, _ in c.path()[:-1]}
    for context, instr, name, status in left:
        function = keeper.program.lower(context.key)
        if function is not None and id(context) not in outer:
            what = "freed" if status == "freed" else "leaked"
            message = f"{_field(name)} still points to a page that is {what}"
            trace = (*_last(keeper, name), step(function, instr, f"returns: {message}"))
            yield facts.finding(function, instr, f"{_field(name)} not cleared", message, trace=trace)


def _stale(name: str, status: str) -> bool:
    return name.startswith(".") and (status == "freed" or (name == TABLE and status == "failed"))


def _field(name: str) -> str:
    return name[1:].removesuffix("[]")


def _last(keeper: Keeper, name: str) -> tuple[Step, ...]:
    for move in reversed(keeper.moves):
        function = keeper.program.lower(move.context.key)
        if function is not None and move.name in (name, "#0") and move.effect.mode in ("take", "free"):
            return (step(function, move.call, shown(move.call)),)
    return ()


def _way(keeper: Keeper, context: Context[Custody]) -> tuple[Step, ...]:
    """The calls that lead to a context."""
    steps = []
    for seen, leaving in context.path()[:-1]:
        function = keeper.program.lower(seen.key)
        if function is not None and leaving is not None:
            steps.append(step(function, leaving, f"calls {leaving.name}()"))
    return tuple(steps)


RULE = Rule(
    id="tdx-module-page-freed",
    catalog=23,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    provenance=(
        Provenance("doc", "arch/x86/kvm/vmx/tdx.c:tdx_reclaim_control_page", "KVM", "", "leak what was not reclaimed"),
        Provenance("doc", "arch/x86/kvm/vmx/tdx.c:tdx_sept_free_private_spt", "KVM", "", "after the HKID is freed"),
        Provenance(
            "mail", "20260106101646.24809-1-yan.y.zhao@intel.com", "Yan Zhao", "2026-01-06", "cover letter, design 10"
        ),
    ),
    bad=(
        """
        void free_root(struct kvm_tdx *kvm_tdx)
        {
                if (tdx_reclaim_page(kvm_tdx->td.tdr_page))
                        pr_err("cannot reclaim the TDR page");
                __free_page(kvm_tdx->td.tdr_page);  // expect "has not given it back"
                kvm_tdx->td.tdr_page = NULL;
        }
        """,
    ),
    good=(
        """
        void free_root(struct kvm_tdx *kvm_tdx)
        {
                if (tdx_reclaim_page(kvm_tdx->td.tdr_page))
                        return;
                __free_page(kvm_tdx->td.tdr_page);
                kvm_tdx->td.tdr_page = NULL;
        }
        """,
    ),
)
