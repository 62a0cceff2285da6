"""A negative errno is cut to a flag on its way to the caller.

A bool turns -ENOMEM into 1, a u8 into 244; ``!!r`` and a function that returns bool do the same, and an unsigned is
never below zero. The caller that asks ``r < 0`` then sees success: a conversion that failed is reported as done, an
exit handler resumes the guest, a failed zap is counted as "flush needed". ORed into a flush flag the error is gone
too, and two errnos ORed together are a third one.

Keep the error in an int of its own, return it before anything is derived from it, and hand flags on apart.

May be false: a function that is meant to answer yes or no with an int. Only a plain return or a store in a narrow
variable that is returned as int, tested for less than zero, or used as a flush flag is reported; a comparison is
reported where the same function also returns negative errors.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from analyzer.author import (
    Addr,
    Assign,
    Assume,
    Binary,
    Call,
    Certainty,
    Errors,
    Expr,
    Facts,
    Field,
    Finding,
    Flow,
    Function,
    Init,
    Instr,
    Item,
    Name,
    Provenance,
    Return,
    Rule,
    Severity,
    State,
    Step,
    by_place,
    condition_of,
    items_at,
    keeping_calls,
    kept_in,
    narrow_entries,
    narrow_fields,
    narrow_kind,
    narrows,
    replay,
    shown,
    signed,
    step,
    suspects,
    truth_of,
    words,
)
from rules.vocabulary.errnos import EXTERNALS, FLUSHES, errors_of, first_look

SCOPE = ("arch/*/kvm/*", "virt/kvm/*", "include/linux/kvm*")
STORES = frozenset(("WRITE_ONCE", "smp_store_release", "smp_store_mb"))
Key = tuple[str, str]


@dataclass(slots=True)
class _Check:
    facts: Facts
    errors: Errors
    seen: set[tuple[object, ...]] = field(default_factory=set)

    def function(self, key: Key) -> Iterator[Finding]:
        """Everything that a function does with errors that lose their sign."""
        flow = self.errors.flow(key)
        if flow is None:
            return
        found: list[tuple[str, Instr, Item]] = []
        replay(self.errors, flow, lambda i, s, b: found.extend(self.events(flow, i, s, b)))
        for what, instr, item in found:
            yield from self.report(flow, what, instr, item)
        for call in keeping_calls(self.facts, flow.function):
            yield from self.handed(flow, call)

    def events(self, flow: Flow, instr: Instr, state: State, block: int) -> list[tuple[str, Instr, Item]]:
        """What one instruction does to an errno."""
        if isinstance(instr, Return) and instr.value is not None and signed(flow.function.returns):
            items = items_at(self.errors, flow, instr.value, state, instr)
            return [("returned as int", instr, i) for i in by_place(items) if _cut(i) and self.meant(flow, i, items)]
        if isinstance(instr, Assume):
            return self.asked(flow, instr, state, block)
        if isinstance(instr, Assign):
            return self.stored(flow, instr, state)
        return self.given(flow, instr, state) if isinstance(instr, Call) else []

    def meant(self, flow: Flow, item: Item, items: frozenset[Item]) -> bool:
        """A comparison may be meant as yes or no, unless the function also returns errors as they are."""
        if item[0].name == "@" and not self.errors.shallow:
            return self.answers_errors(flow)
        cut = flow.narrowed.get(item)
        if cut is None or not isinstance(cut[1], Return):
            target = cut[1].target if cut is not None and isinstance(cut[1], Assign) else None
            if target is None or not isinstance(target, Name) or narrow_kind(flow.function.locals.get(target.id, "")):
                return True
        return self.answers_errors(flow) or self.tested_negative(flow.function)

    def answers_errors(self, flow: Flow) -> bool:
        """Whether the function also returns errors as they are."""
        return any(t.known and not t.narrow for t in flow.results)

    def tested_negative(self, function: Function) -> bool:
        """Whether a caller asks for less than zero, or hands the answer on among errors."""
        for key in self.facts.names.callers.get(function.key, ()):
            caller = self.facts.program.lower(key)
            for block in caller.blocks if caller is not None else ():
                called: set[str] = set()
                for instr in block.instrs:
                    if isinstance(instr, Call) and instr.callee == function.name and instr.result is not None:
                        called.add(instr.result.text)
                    test = condition_of(instr) if isinstance(instr, Assume) else None
                    if test is not None and test.kind == "negative" and test.subject in called:
                        return True
            if caller is not None and self.hands_on(caller, function.name):
                return True
        return False

    def hands_on(self, caller: Function, name: str) -> bool:
        """Whether a caller that returns errors returns what a function gave, too."""
        calls = [i for b in caller.blocks for i in b.instrs if isinstance(i, Call) and i.callee == name]
        if not any(c.result is not None for c in calls) or not signed(caller.returns):
            return False
        flow = self.errors.flow(caller.key)
        if flow is None or not self.answers_errors(flow):
            return False
        made: set[Instr] = set()

        def leaves(instr: Instr, state: State, _: int) -> None:
            if isinstance(instr, Return) and instr.value is not None:
                made.update(m for _, m in items_at(self.errors, flow, instr.value, state, instr))

        replay(self.errors, flow, leaves)  # what it may return has each value once only
        return not made.isdisjoint(calls)

    def asked(self, flow: Flow, assume: Assume, state: State, block: int) -> list[tuple[str, Instr, Item]]:
        """A test that can never be true; an error taken for "flush"."""
        test = truth_of(assume.cond, assume.truth, flow.tests)
        items = state.env.get(test.subject, frozenset()) if test is not None else frozenset()
        if test is None or not items:
            return []
        if test.kind == "negative" and assume.truth is test.holds:
            return [("then tested for less than zero", assume, i) for i in by_place(items) if _cut(i)]
        if test.kind == "positive" and not test.holds:
            return [("then tested for zero or less", assume, i) for i in by_place(items) if _cut(i, "unsigned")]
        if test.kind == "true" and test.holds and not assume.wraps and self.flushes(flow.function, block):
            told = {made for t, made in flow.results.items() if t.known and not t.narrow}
            if any(c.result is not None and c.result.text == test.subject for c in flow.function.calls() if _flush(c)):
                return []
            lost = [i for i in by_place(items) if i[0].known and i[1] not in told]
            return [("then taken for a reason to flush", assume, i) for i in lost]
        return []

    def flushes(self, function: Function, block: int) -> bool:
        """Whether a branch does nothing but flush."""
        calls = [i for i in function.blocks[block].instrs if isinstance(i, Call)]
        return bool(calls) and FLUSHES.match(calls[0].callee) is not None

    def stored(self, flow: Flow, assign: Assign, state: State) -> list[tuple[str, Instr, Item]]:
        """ORed into something; kept in a narrow field."""
        function, target = flow.function, assign.target
        if isinstance(assign.value, Binary) and assign.value.op == "|":
            added = [
                i
                for side in (assign.value.left, assign.value.right)
                if side.text != target.text
                for i in by_place(items_at(self.errors, flow, side, state, assign))
                if i[0].known and i[0].narrow != "unsigned"
            ]
            if target.text in (assign.value.left.text, assign.value.right.text) and self.channel(function, assign):
                return [("ORed into", assign, i) for i in added]
        if narrows(self.facts, function, target):
            items = items_at(self.errors, flow, assign.value, state, assign)
            return [("kept in", assign, i) for i in by_place(items) if i[0].known and not i[0].narrow]
        entries = narrow_entries(self.facts, function, target, assign.value) if isinstance(assign.value, Init) else ()
        each = (items_at(self.errors, flow, entry, state, assign) for entry in entries)
        return [("kept in", assign, i) for items in each for i in by_place(items) if i[0].known and not i[0].narrow]

    def given(self, flow: Flow, call: Call, state: State) -> list[tuple[str, Instr, Item]]:
        """What a call gives, kept at once in a narrow place; or what it stores there (WRITE_ONCE)."""
        if call.callee in STORES and len(call.args) > 1 and narrows(self.facts, flow.function, _place_of(call)):
            items = items_at(self.errors, flow, call.args[1], state, call)
            return [("kept in", call, i) for i in by_place(items) if i[0].known and not i[0].narrow]
        if call.result is None or not narrows(self.facts, flow.function, call.result):
            return []
        given = self.errors.items_of(call, flow.function, lambda e: items_at(self.errors, flow, e, state, call))
        return [("kept in", call, (t, call)) for t in given if t.known and not t.narrow]

    def handed(self, flow: Flow, call: Call) -> Iterator[Finding]:
        """An error that is given to a function which keeps it in a narrow member, where somebody hands that on."""
        given: list[tuple[int, Item]] = []

        def visit(instr: Instr, state: State, _: int) -> None:
            if instr is call:
                each = [(n, items_at(self.errors, flow, a, state, call)) for n, a in enumerate(call.args)]
                given.extend((n, i) for n, items in each for i in by_place(items) if i[0].known and not i[0].narrow)

        replay(self.errors, flow, visit)
        for key in self.errors.targets(call, flow.function) if given else ():
            for kept in kept_in(self.facts, key):
                place = words(kept.keeper, kept.store.target)
                item = next((i for n, i in given if n == kept.index), None)
                if item is None or (key, kept.store.line, place) in self.seen:
                    continue
                self.seen.add((key, kept.store.line, place))
                error = "an error" if item[0].name == "@" else f"-{item[0].name}"
                trace = (
                    *self.errors.steps(flow.function, *item),
                    step(flow.function, call, f"given to {call.name}()"),
                    step(kept.keeper, kept.store, f"{place} cannot hold it"),
                    step(kept.reader, kept.read, f"{kept.reader.name}() takes it for a number"),
                )
                message = f"{error} is kept in {place}"
                yield self.facts.finding(kept.keeper, kept.store, f"error in {place}", message, trace=trace)

    def channel(self, function: Function, assign: Assign) -> bool:
        """Whether what is ORed into goes on as it is: it is returned, or decides about a flush."""
        name = assign.target.text
        if isinstance(assign.target, Field):
            return narrow_kind(narrow_fields(self.facts).get(assign.target.name, "")) == "bool"
        if narrow_kind(function.locals.get(name, "")) == "bool":
            return True
        for index, block in enumerate(function.blocks):
            for instr in block.instrs:
                if isinstance(instr, Return) and instr.value is not None and instr.value.text == name:
                    return True
                asked = isinstance(instr, Assume) and instr.truth and instr.cond.text == name
                if asked and self.flushes(function, index):
                    return True
        return False

    def report(self, flow: Flow, what: str, instr: Instr, item: Item) -> Iterator[Finding]:
        """One finding where the sign is lost, with the way of the errno before and after."""
        function, token, made = flow.function, item[0], item[1]
        at, home, before = self.cut_at(flow, item, instr)
        key = (home.key, at.line, getattr(_target(at), "text", ""))
        if key in self.seen:
            return
        self.seen.add(key)
        source = shown(made) if isinstance(made, Call) else ""
        of = f" of {source}" if source else ""
        error = "an error" if token.name == "@" else f"-{token.name}"
        certainty = Certainty.MAY if token.name == "@" else None
        place = _place(home, at)
        if what in ("ORed into", "kept in"):
            target = _target(instr)
            assert target is not None
            message = f"{error}{of} is {what} {words(function, target)}"
            tail: tuple[Step, ...] = (step(function, instr, f"{what} {words(function, target)}"),)
        elif what.endswith("flush"):
            message = f"{error}{of} is {what}"
            tail = (step(function, instr, what),)
        else:
            message = f"{error}{of} is cut in {place}, {what} by {function.name}()"
            tail = (step(home, at, f"{place} cannot hold it"), step(function, instr, what))
        trace = (*before, *tail)
        yield self.facts.finding(home, at, f"error in {place}", message, trace=trace, certainty=certainty)

    def cut_at(self, flow: Flow, item: Item, instr: Instr) -> tuple[Instr, Function, tuple[Step, ...]]:
        """Where the sign was lost, in which function, and the steps before."""
        function = flow.function
        token, made = item
        cut = flow.narrowed.get(item)
        if cut is not None:
            return cut[1], function, self.errors.steps(function, cut[0], made)
        if token.narrow and isinstance(made, Call):
            for key in self.errors.targets(made, function):
                inner = self.errors.flow(key)
                for other, origin in inner.results.items() if inner is not None else ():
                    if other.narrow and other.error and (other.name == token.name or other.name[0] == "@"):
                        assert inner is not None
                        at, home, before = self.cut_at(inner, (other, origin), origin)
                        return at, home, (*before, step(function, made, f"{made.name}() returns it as {token.narrow}"))
        return instr, function, self.errors.steps(function, token, made)


def _cut(item: Item, kind: str = "") -> bool:
    return item[0].known and bool(item[0].narrow) and kind in ("", item[0].narrow)


def _flush(made: Instr) -> bool:
    """A flush that fails is followed by a bigger one."""
    return isinstance(made, Call) and "flush" in made.name


def _place_of(call: Call) -> Expr:
    """Where a call stores its second argument."""
    return call.args[0].base if isinstance(call.args[0], Addr) else call.args[0]


def _target(instr: Instr) -> Expr | None:
    """Where an instruction puts a value."""
    if isinstance(instr, Call) and instr.callee in STORES:
        return _place_of(instr)
    return instr.target if isinstance(instr, Assign) else instr.result if isinstance(instr, Call) else None


def _place(function: Function, at: Instr) -> str:
    """What the errno was squeezed into."""
    if isinstance(at, Return):
        kind = function.returns
        return f"{kind} {function.name}()" if narrow_kind(kind) else words(function, at.value) if at.value else kind
    target = _target(at)
    if isinstance(target, Name) and target.temporary:
        kind = function.locals.get(target.id, "")
        return f"a cast to {kind}" if kind else "a yes or no"
    if isinstance(target, Name):
        return f"{function.locals.get(target.id, '')} {words(function, target)}".strip()
    return words(function, target) if target is not None else "a comparison"


def _worth_it(facts: Facts, first: _Check, key: Key) -> bool:
    """Whether a first look finds something; not looked at again in a series while all that it sees is the same."""
    definitions = facts.program.definitions
    callers = tuple(definitions[k] for k in facts.names.callers.get(key, ()))
    members = facts.solve("narrow fields by name", lambda: _by_name(narrow_fields(facts)))
    seen = (first.errors.flow(key), callers, tuple((w, members.get(w)) for w in sorted(definitions[key].mentions)))
    left: dict[Key, tuple[tuple[object, ...], bool]] = facts.program.left.setdefault("errno first look", {})  # type: ignore[assignment]
    known = left.get(key)
    if known is None or known[0][0] is not seen[0] or known[0][1:] != seen[1:]:
        known = left[key] = (seen, any(True for _ in first.function(key)))
    return known[1]


def _by_name(members: dict[str, str]) -> dict[str, frozenset[tuple[str, str]]]:
    """The members of all structs by their own name."""
    found: dict[str, set[tuple[str, str]]] = {}
    for member, kind in members.items():
        found.setdefault(member.rpartition(".")[2], set()).add((member, kind))
    return {name: frozenset(kinds) for name, kinds in found.items()}


def check(facts: Facts) -> Iterator[Finding]:
    """A cheap look first; functions in which something may be lost are solved with their callees."""
    first, checker = _Check(facts, first_look(facts)), _Check(facts, errors_of(facts))
    for key, handed in suspects(facts, errors_of(facts).able, EXTERNALS, RULE.covers):
        facts.count("functions looked at for errors that lose their sign")
        if handed or _worth_it(facts, first, key):
            facts.count("functions followed for errors that lose their sign")
            yield from checker.function(key)


RULE = Rule(
    id="kvm-errno-truncated",
    catalog=6,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    solves="errors",
    provenance=(
        Provenance("mail", "aWmEegVP_A613WIr@google.com", "Sean Christopherson", "2026-01-16", "the class is implied"),
    ),
    bad=(
        """
        // path: arch/x86/kvm/mmu/mmu.c
        static int kvm_split_range(struct kvm *kvm, gfn_t gfn)
        {
                return kvm->empty ? -ENOMEM : 0;
        }

        int kvm_prepare_range(struct kvm *kvm, gfn_t gfn)
        {
                bool ret = false;

                if (kvm->tdp)
                        ret = kvm_split_range(kvm, gfn);  // expect "cut"
                return ret;
        }
        """,
    ),
    good=(
        """
        // path: arch/x86/kvm/mmu/mmu.c
        static int kvm_split_range(struct kvm *kvm, gfn_t gfn)
        {
                return kvm->empty ? -ENOMEM : 0;
        }

        int kvm_prepare_range(struct kvm *kvm, gfn_t gfn)
        {
                int ret = 0;

                if (kvm->tdp)
                        ret = kvm_split_range(kvm, gfn);
                return ret;
        }
        """,
    ),
)
