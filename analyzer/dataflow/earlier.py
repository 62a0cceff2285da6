"""Contexts of an earlier program of the same run, taken over where nothing that they looked at has changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

from analyzer.dataflow.context import Adopt, Context, Contexts, Entry, S
from analyzer.dataflow.values import Alias, Facts, Fn
from analyzer.ir.change import Change
from analyzer.ir.program import Key
from analyzer.ir.types import Call

Enter = Callable[[Key, Entry[S], Facts, Context[S], Call | None], Context[S]]
Explore = Callable[[Context[S]], None]


class Earlier(Generic[S]):
    """The contexts of an earlier exploration, taken over in the order in which they would have been explored now."""

    def __init__(
        self, contexts: Contexts[S], since: Change, adopt: Adopt[S], enter: Enter[S], explore: Explore[S]
    ) -> None:
        """``enter`` and ``explore`` are those of the new exploration."""
        self.contexts = contexts
        self.since = since
        self.tell = adopt
        self.enter = enter
        self.explore = explore
        self.known: dict[int, bool] = {}
        self.ended: dict[Context[S], tuple[object, ...]] = {}  # how those that were explored again ended before

    def found(self, key: Key, entry: Entry[S], root: bool) -> Context[S] | None:
        """The context of an entry, if its function and what is known on entry are the same.

        ``root``: nobody calls it; a property may treat what is a root in another way.
        """
        context = self.contexts.get(key, {}).get(entry)
        if context is None or context.up or (context.caller is None) is not root or not self.fits(context):
            return None
        return None if context.cyclic and not self.holds(context) else context

    def fits(self, context: Context[S]) -> bool:
        """Whether the function of a context, and what is known on entry, are the same."""
        return self.since.same(context.key) and self.means_the_same(context.facts)

    def holds(self, context: Context[S]) -> bool:
        """Whether the same is true of all that it entered."""
        known = self.known.get(id(context))
        if known is None:
            self.known[id(context)] = True  # while those it entered are looked at; only a recursion asks then
            known = self.known[id(context)] = self.fits(context) and all(self.holds(c) for c in context.entered)
        return known

    def takes(self, key: Key) -> bool:
        """Whether a function has the parameters that it had, so that what was known on entry is said as before."""
        if self.since.same(key):
            return True
        old, new = self.since.old.lower(key), self.since.new.lower(key)
        return old is not None and new is not None and old.params == new.params

    def means_the_same(self, facts: Facts) -> bool:
        """Whether what is known on entry speaks of nothing that changed."""
        words = self.since.words
        for expr, value in facts.items():
            about = value.expr.names if isinstance(value, Alias) else {value.name} if isinstance(value, Fn) else ()
            if not words.isdisjoint(expr.names) or not words.isdisjoint(about):
                return False
        return True

    def adopt(self, context: Context[S]) -> None:
        """Make a context one of the new exploration, with all that it entered.

        Where one of these ends in another way now, what follows may be another way as well: it is explored again.
        """
        entered, context.entered = context.entered, {}
        for inner, through in entered.items():
            call = self.since.moved(context.key, through) if through is not None else None
            assert call is None or isinstance(call, Call)
            was = self.ended.get(inner) or _end(inner)  # it may have been explored again on another way
            assert inner.entry is not None
            now = self.enter(inner.key, inner.entry, inner.facts, context, call) if self.takes(inner.key) else None
            if now is None or _end(now) != was or now.up > 1:
                self.ended[context] = _end(context)
                context.forget()
                self.explore(context)
                return
        context.notes = {label: self.since.moved(context.key, instr) for label, instr in context.notes.items()}
        self.tell(context, self.since)


def _end(context: Context[S]) -> tuple[object, ...]:
    """What callers see of a context."""
    return tuple(context.exits), frozenset(context.notes)
