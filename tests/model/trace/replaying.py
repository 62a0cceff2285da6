"""What the tests of the replay share: machines, and the answers to a text."""

from __future__ import annotations

import io
from functools import cache

from analyzer.model.explore import prepared
from analyzer.model.kvm_tdx.build import build
from analyzer.model.kvm_tdx.protocol import CORRECT, Protocol
from analyzer.model.kvm_tdx.scope import Scope
from analyzer.model.machine import Machine
from analyzer.model.trace.check import check_trace
from analyzer.model.trace.record import Format
from analyzer.model.trace.window import Answer, Keeper, replay

FORMATS = [f for f in Format if f is not Format.UNKNOWN]
ONE_PAGE = Scope(whole_punch=False)
FAILING = Scope(faults=("enomem",), whole_punch=False)


@cache
def machine(scope: Scope = ONE_PAGE, protocol: Protocol = CORRECT) -> Machine:
    return prepared(build(scope, protocol), False)


def answers(text: str, exact: bool = True, around: int | None = None, armed: tuple[str, ...] = ()) -> list[Answer]:
    keeper = Keeper(exact, around)
    report = check_trace(io.BytesIO(text.encode()), hear=keeper.hear, armed=armed)
    return [replay(one, report.recorded, report.unplaced) for one in keeper.chosen()]


def answer(text: str) -> Answer:
    (only,) = answers(text)
    return only


def broken(found: Answer, mutation: str = "") -> str:
    """The first refusal: the guard, and its source."""
    stops = [one.stop.refused for one in found.stops if one.stop is not None]
    return f"{stops[0].why}: {stops[0].guard} [{stops[0].source}]" if stops else found.outcome
