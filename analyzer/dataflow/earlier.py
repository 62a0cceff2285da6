"""Contexts of an earlier program of the same run, taken over where nothing that they looked at has changed."""

from __future__ import annotations

from typing import Generic

from analyzer.dataflow.context import Adopt, Context, Contexts, Entry, S
from analyzer.dataflow.values import Alias, Facts, Fn
from analyzer.ir.change import Change
from analyzer.ir.program import Key
from analyzer.ir.types import Call


class Earlier(Generic[S]):
    """The contexts of an earlier exploration that still hold."""

    def __init__(self, contexts: Contexts[S], since: Change, adopt: Adopt[S], now: Contexts[S]) -> None:
        """``now``: where the contexts go that are taken over."""
        self.contexts = contexts
        self.since = since
        self.tell = adopt
        self.now = now
        self.known: dict[int, bool] = {}

    def adopted(self, key: Key, entry: Entry[S], caller: Context[S] | None, call: Call | None) -> Context[S] | None:
        """The context of an entry with all that it entered, as the program is now; None if it has to be explored."""
        found = self.contexts.get(key, {}).get(entry)
        if found is None or found.up or not self.holds(found):
            return None
        return self.adopt(found, entry, caller, call)

    def holds(self, context: Context[S]) -> bool:
        """Whether nothing that a context looked at has changed."""
        known = self.known.get(id(context))
        if known is None:
            self.known[id(context)] = True  # while those it entered are looked at; only a recursion asks then
            known = self.since.same(context.key) and self.means_the_same(context.facts)
            known = self.known[id(context)] = known and all(self.holds(c) for c in context.entered)
        return known

    def means_the_same(self, facts: Facts) -> bool:
        """Whether what is known on entry speaks of nothing that changed."""
        words = self.since.words
        for expr, value in facts.items():
            about = value.expr.names if isinstance(value, Alias) else {value.name} if isinstance(value, Fn) else ()
            if not words.isdisjoint(expr.names) or not words.isdisjoint(about):
                return False
        return True

    def adopt(self, context: Context[S], entry: Entry[S], caller: Context[S] | None, call: Call | None) -> Context[S]:
        """Make a context one of the new exploration, in the order in which it would have been entered there."""
        known = self.now.setdefault(context.key, {})
        if entry in known:
            return known[entry]
        known[entry] = context
        since, key = self.since, context.key
        context.caller, context.call = caller, call
        context.notes = {label: since.moved(key, instr) for label, instr in context.notes.items()}
        entered, context.entered = context.entered, {}
        for inner, through in entered.items():
            now = since.moved(key, through) if through is not None else None
            assert now is None or isinstance(now, Call)
            inner_entry = (inner.state, frozenset(inner.facts.items()))
            context.entered.setdefault(self.adopt(inner, inner_entry, context, now), now)
        self.tell(context, since)
        return context
