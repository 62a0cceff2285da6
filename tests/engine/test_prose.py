"""Logs: what counts as a sentence, and which logs tell how and not why."""

from __future__ import annotations

import pytest

from analyzer.engine.prose import sentences, trailers
from rules.series.changelog_without_why import how_only

HOW = "Add a limit to the walk. Pass it from all callers. Check it in the loop and return when it is met."


def test_sentences_are_prose_only() -> None:
    log = f"""{HOW}

    kvm_walk()
      kvm_step()

- a list
- of things

See e.g. the walk. [1]

Link: https://example.org/1 [1]
[nak: adapted]
Signed-off-by: A Person <a@example.org>
"""
    assert sentences(log) == (*sentences(HOW), "See eg the walk. [1]")
    assert len(sentences(HOW)) == 3
    assert trailers(log) == ("Link", "Signed-off-by")


@pytest.mark.parametrize(
    ("log", "told"),
    [
        (HOW, True),
        (HOW + "\n\nSigned-off-by: A Person <a@example.org>", True),
        (HOW + " Use it in the fault path, if necessary.", True),
        (HOW + " Otherwise the walk holds the lock for seconds.", False),
        (HOW + " This prepares for a limit that userspace sets.", False),
        (HOW + "\n\nNo functional change intended.", False),
        (HOW + "\n\nFixes: 0123456789ab (\"Add a walk\")", False),
        ("A walk holds the lock for long. " + HOW, False),
        ("Walks over large slots stall vCPUs. " + HOW, False),
        ("Add a limit to the walk.", False),
        ("", False),
    ],
)  # fmt: skip
def test_a_log_tells_how_only(log: str, told: bool) -> None:
    assert bool(how_only(log)) is told
