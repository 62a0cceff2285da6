"""``nak model extract``: the record of a tree, and what the model says of it."""

from __future__ import annotations

from analyzer.analyses.facts import Facts
from analyzer.model import jsonform
from analyzer.model.ask import CUT, How, Say
from analyzer.model.engines.outcome import Limits
from analyzer.model.extract import tell
from analyzer.model.extract.explored import Explored, protocols, scopes, shown_by, survey
from analyzer.model.extract.extract import extract
from analyzer.model.extract.flows import flows
from analyzer.model.tell import check_head

HOLDS, BROKEN, PARTIAL = 0, 1, 3


def show(facts: Facts, tree: str, ways: bool, how: How, say: Say) -> int:
    """Print the record, explore what it stands for; 1 where a claim breaks for certain, 3 where that was cut short."""
    found = extract(facts)
    known = flows(facts) if ways else None
    text = how.form == "text"
    if text:
        for line in (*tell.record(found), *(tell.flows(known) if known else ())):
            say(line)
    results: list[Explored] = []
    likeliest = next(protocols(found))[0]
    names = [*scopes(found.layers), *(f"of {m.name}" for m in shown_by(likeliest))]
    width = max(map(len, names), default=0) + 1
    if text:
        say(f"\n{check_head(width)}")
    try:
        for one in survey(found, how.engine, Limits(how.limit)):
            results.append(one)
            if text:
                say(tell.explored(one, width))
    except KeyboardInterrupt:
        say(CUT)
        return PARTIAL
    if text:
        for line in tell.summary(found, results):
            say(line)
    else:
        say(jsonform.dumps(tell.as_json(tree, found, results, known)).rstrip())
    return _code(results)


def _code(results: list[Explored]) -> int:
    if any(r.discovery is not None and not r.depends for r in results):
        return BROKEN
    return HOLDS if all(r.outcome.complete or r.discovery for r in results) else PARTIAL
