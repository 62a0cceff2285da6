"""Where a value comes to live: from the function that makes it up the callers whose places it is put in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from analyzer.analyses.carried import Carriers
from analyzer.callgraph.names import NameGraph
from analyzer.ir.program import Key, Program
from analyzer.ir.types import Addr, Call, Deref, Expr, Field, Function, Index, Name, Return, parts

Places = Callable[[Function], list[Expr]]
MAX_CLIMB = 10


def calls_of(program: Program, caller: Function, callee: Key) -> Iterator[Call]:
    """The calls in a function that may mean another: by name, through a table, or as a callback that is handed over."""
    tables = {t for t, entries in program.tables.items() for e in entries if e.function == callee[1]}
    for call in caller.calls():
        handed = any(isinstance(a, Name) and a.id == callee[1] for a in call.args)
        if call.callee == callee[1] or (call.table and call.table in tables) or handed:
            yield call


def outer(function: Function, places: Iterable[Expr]) -> set[int]:
    """The parameters through which a function's places belong to its caller."""
    index = {p.name: i for i, p in enumerate(function.params)}
    found = set()
    for place in places:
        name = place.root
        if name in index and (not isinstance(place, Name) or "*" in function.params[index[name]].type):
            found.add(index[name])
    return found


def returned(function: Function, places: Iterable[Expr], passes: Callable[[str], bool]) -> bool:
    """Whether a function gives the value of one of the places back as its result."""
    carried = Carriers(function, places, passes)
    values = [i.value for b in function.blocks for i in b.instrs if isinstance(i, Return) and i.value is not None]
    return any(carried.carries(v) for v in values)


def homes(
    program: Program, names: NameGraph, makers: Iterable[Key], places: Places, passes: Callable[[str], bool]
) -> tuple[list[Key], dict[Key, list[Expr]]]:
    """The functions in which the values of ``places`` live at last, and the places of each function on the way."""
    known: dict[Key, list[Expr]] = {}
    tops: set[Key] = set()
    work: list[tuple[Key, list[Expr], int]] = []
    for key in sorted(makers):
        function = program.lower(key)
        if function is not None:
            work.append((key, places(function), 0))
    while work:
        key, here, depth = work.pop()
        function = program.lower(key)
        old = known.setdefault(key, [])
        new = [p for p in here if p not in old]
        if function is None or (not new and old):
            continue
        old += new
        above = list(_above(program, names, function, old, passes)) if depth < MAX_CLIMB else []
        if not above:
            tops.add(key)
        work += [(k, p, depth + 1) for k, p in above]
    return sorted(tops), known


def _above(
    program: Program, names: NameGraph, function: Function, places: list[Expr], passes: Callable[[str], bool]
) -> Iterator[tuple[Key, list[Expr]]]:
    """The callers that own what the function's places are in, with the places as they know them."""
    through, gives = outer(function, places), returned(function, places, passes)
    if not through and not gives:
        return
    for key in names.callers.get(function.key, ()):
        caller = program.lower(key)
        if caller is None or caller.kind == "macro":
            continue
        found: list[Expr] = []
        for call in calls_of(program, caller, function.key):
            found += [call.result] if gives and call.result is not None else []
            found += list(_moved(function, places, call, through))
        if found:
            yield key, found


def _moved(function: Function, places: list[Expr], call: Call, through: set[int]) -> Iterator[Expr]:
    if call.callee and call.callee != function.name:  # handed over as a callback: only fields keep their names
        return
    for place in places:
        for at in through:
            if at < len(call.args) and place.root == function.params[at].name:
                yield _replaced(place, function.params[at].name, call.args[at])


def _replaced(place: Expr, name: str, by: Expr) -> Expr:
    """A place with a parameter replaced by what it stands for."""
    match place:
        case Name():
            return by if place.id == name else place
        case Field():
            return Field(_replaced(place.base, name, by), place.name)
        case Index():
            return Index(_replaced(place.base, name, by), place.index)
        case Addr():
            return Addr(_replaced(place.base, name, by))
        case Deref():
            base = _replaced(place.base, name, by)
            return base.base if isinstance(base, Addr) else Deref(base)
        case _:
            return place


def inward(
    program: Program, known: dict[Key, list[Expr]], passes: Callable[[str], bool], ends: frozenset[str]
) -> dict[Key, Carriers]:
    """The carriers of each function that has such a place, or gets the value as an argument; not inside ``ends``."""
    seeds = {k: list(v) for k, v in known.items()}
    made: dict[Key, Carriers] = {}
    work = sorted(seeds)
    while work:
        key = work.pop()
        function = program.lower(key)
        if function is None:
            continue
        made[key] = carried = Carriers(function, seeds[key], passes)
        for call in function.calls():
            for at, arg in enumerate(call.args):
                if not carried.carries(arg) or passes(call.callee) or call.callee in ends:
                    continue
                for inner in program.resolve(call.callee, key[0]) if call.callee else ():
                    callee = program.lower(inner)
                    if callee is None or callee.kind == "macro" or at >= len(callee.params):
                        continue
                    place = Name(callee.params[at].name)
                    if isinstance(arg, Addr):
                        place = Deref(place)  # type: ignore[assignment]
                    if place not in seeds.setdefault(inner, []) and len(made) < 200:
                        seeds[inner].append(place)
                        work.append(inner)
    return made


def mentions(expr: Expr, name: str) -> bool:
    """Whether a field of that name is read somewhere in an expression."""
    return any(isinstance(p, Field) and p.name == name for p in parts(expr))
