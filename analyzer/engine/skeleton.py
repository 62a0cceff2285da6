"""The skeleton of a new rule: complete in form, and its examples fail until it does something."""

from __future__ import annotations

import re
from pathlib import Path

from analyzer.core.problem import AnalyzerError

_ID = re.compile(r"(kvm|tdx)((?:-[a-z0-9]+)+)")
_RULE = '''"""The defect in one sentence, as a maintainer would say it.

Why it is wrong at run time: what breaks, for whom, and when.

How to mend it.

May be false: what the check cannot see, and takes for a defect.
"""

from __future__ import annotations

from collections.abc import Iterator

from analyzer.author import Call, Facts, Finding, Provenance, Rule, Severity, Stage, shown

SCOPE = ("arch/x86/kvm/*", "virt/kvm/*")
WORDS = frozenset(("the_call_at_fault",))


def _wrong(call: Call) -> bool:
    """Whether a call breaks the rule."""
    return False  # to be written


def check(facts: Facts) -> Iterator[Finding]:
    """Each call at fault in the functions that mention one."""
    for function in facts.mentioning(WORDS):
        for call in function.calls():
            if call.callee in WORDS:
                facts.count("calls looked at")
                if _wrong(call):
                    yield facts.finding(function, call, call.callee, f"{{shown(call)}} breaks the rule")


RULE = Rule(
    id="{id}",
    catalog={catalog},
    severity=Severity.WARNING,
    scope=SCOPE,
    check=check,
    stage=Stage.TRIAL,
    provenance=(Provenance("mail", "the message-id of the objection", "who", "2026-01-31", "what was said"),),
    bad=(
        """
        static void f(struct kvm *kvm)
        {{
                the_call_at_fault(kvm);  // expect
        }}
        """,
    ),
    good=(
        """
        static void f(struct kvm *kvm)
        {{
                another_call(kvm);
        }}
        """,
    ),
)
'''
_LITMUS = """// What breaks the rule, and how.

static void f(struct kvm *kvm)
{{
	the_call_at_fault(kvm);  // expect: {id}
}}
"""


def write(rule: str, checkout: Path, catalog: int) -> list[Path]:
    """Write the files of a new rule; their paths.

    Raises AnalyzerError for a name that is no id of a code rule, for a rule that is there, and outside of a checkout.
    """
    found = _ID.fullmatch(rule)
    if found is None:
        raise AnalyzerError(f"{rule} is no id of a rule: kvm- or tdx-, then the defect, like tdx-level-ignored")
    if not (checkout / "pyproject.toml").is_file() or not (checkout / "rules").is_dir():
        raise AnalyzerError(f"{checkout} is no checkout of nak: rules are written in one")
    name = found.group(2)[1:].replace("-", "_")
    source = checkout / "rules" / found.group(1) / f"{name}.py"
    litmus = checkout / "corpus" / "litmus" / rule / "bad_first.c"
    if source.exists() or litmus.exists():
        raise AnalyzerError(f"there is a rule {rule}: {source}")
    litmus.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(_RULE.format(id=rule, catalog=catalog), encoding="utf-8")
    litmus.write_text(_LITMUS.format(id=rule), encoding="utf-8")
    return [source, litmus]
