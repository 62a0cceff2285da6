from __future__ import annotations

import json as stdlib_json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.core.finding import Certainty, Change, Severity, Stage, Tier
from analyzer.core.problem import Problem, ProblemKind
from analyzer.core.result import Review
from analyzer.report import json
from tests.report.reviews import finding, full, review

VALIDATOR = jsonschema.Draft202012Validator(json.schema())
# Bytes that did not decode arrive as surrogates of the surrogateescape range; other ones cannot.
HOSTILE = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("\udc80\udcff\x1b\x7f\x9b\u202e")))


def decoded(outcome: Review) -> Any:
    return stdlib_json.loads(json.render(outcome))


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.schema())


@pytest.mark.parametrize("outcome", [full(), review(), review(series=None)], ids=["full", "empty", "tree"])
def test_reviews_follow_the_schema(outcome: Review) -> None:
    assert list(VALIDATOR.iter_errors(decoded(outcome))) == []


def test_the_keys_are_those_of_the_contract_in_its_order() -> None:
    document = decoded(full())
    assert list(document) == ["nak", "series", "findings", "problems", "stats"]
    assert list(document["series"]) == ["title", "revision", "base", "patches"]
    assert document["series"]["patches"][0] == {"index": 1, "title": "KVM: step 1", "message_id": "m1@example.org"}
    keys = "rule severity certainty tier stage change patch fixed_by path line function subject message trace"
    assert list(document["findings"][0]) == [*keys.split(), "provenance", "verdict", "fingerprint"]
    assert document["problems"][0] == {"kind": "no-base", "where": "series", "detail": "no base-commit"}


def test_a_finding_in_full() -> None:
    (found,) = decoded(review(full().findings[0]))["findings"]
    assert found["trace"][0] == {
        "path": "virt/gmem.c",
        "line": 88,
        "function": "gmem_get_pfn",
        "note": "the pfn comes from guest_memfd",
    }
    assert found["provenance"][0]["url"] == "https://lore.kernel.org/r/rule-1@example.org"
    assert (found["patch"], found["fixed_by"], found["certainty"], found["change"]) == (3, None, "may", "introduced")
    assert found["fingerprint"] == full().findings[0].fingerprint


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (("finding", "severity"), Severity),
        (("finding", "certainty"), Certainty),
        (("finding", "tier"), Tier),
        (("finding", "stage"), Stage),
        (("finding", "change"), Change),
        (("problem", "kind"), ProblemKind),
    ],
)
def test_the_schema_knows_every_word(where: tuple[str, str], words: type) -> None:
    definitions: Any = json.schema()["$defs"]
    assert definitions[where[0]]["properties"][where[1]]["enum"] == [word.value for word in words]  # type: ignore[attr-defined]


@pytest.mark.parametrize("part", ["nak", "series", "findings", "problems"])
def test_the_schema_is_closed(part: str) -> None:
    document = decoded(full())
    target = document[part][0] if isinstance(document[part], list) else document[part]
    target["more"] = 1
    assert not VALIDATOR.is_valid(document)
    del document[part]
    assert not VALIDATOR.is_valid(document)


def test_equal_reviews_give_equal_bytes_whatever_the_order() -> None:
    turned = review(*reversed(full().findings), problems=tuple(reversed(full().problems)), stats=full().stats)
    assert json.render(turned) == json.render(full())


def test_stats_are_printed_as_they_are() -> None:
    stats = {"b": 1, "a": {"deep": {"er": [1, 2.5, None, True]}, "kind": ProblemKind.CRASHED}, "t": (1,)}
    text = json.render(review(stats=stats))
    assert stdlib_json.loads(text)["stats"] == {
        "b": 1,
        "a": {"deep": {"er": [1, 2.5, None, True]}, "kind": "crashed"},
        "t": [1],
    }
    assert text.index('"b"') < text.index('"a"')


def test_bytes_that_did_not_decode_are_spelled_out() -> None:
    document = decoded(review(finding("caf\udce9.c", message="\udcff")))
    assert (document["findings"][0]["path"], document["findings"][0]["message"]) == ("caf\\xe9.c", "\\xff")


def test_escapes_keep_the_value() -> None:
    message = "\x1b[31m \x7f \x9b \u202e \U000e0041 ü 漢"
    assert decoded(review(finding(message=message)))["findings"][0]["message"] == message
    assert "ü 漢" in json.render(review(finding(message=message)))


@given(HOSTILE)
def test_any_text_renders_valid_and_printable(text: str) -> None:
    outcome = review(
        finding(text, function=text, subject=text, message=text),
        problems=(Problem(ProblemKind.MALFORMED, text, text),),
        stats={text: {text: text}},
    )
    rendered = json.render(outcome)
    rendered.encode("utf-8")
    assert all(line.isprintable() for line in rendered.split("\n"))
    assert VALIDATOR.is_valid(stdlib_json.loads(rendered))


def test_the_readme_tells_the_whole_contract() -> None:
    readme = (Path(__file__).resolve().parent.parent.parent / "README.md").read_text(encoding="utf-8")
    definitions: Any = json.schema()["$defs"]
    keys = {key for part in definitions.values() for key in part["properties"]}
    assert {key for key in keys if f'"{key}"' not in readme} == set()
    assert {kind.value for kind in ProblemKind if f"`{kind.value}`" not in readme} == set()
