"""Rules that no mutation breaks, and why the model cannot speak of them. A test compares this with the registry."""

from __future__ import annotations

from typing import Final

UNMODELLED: Final[dict[str, str]] = {
    "kvm-gmem-layering-broken": "it is about where code stands; what the code does is the same",
    "kvm-softirq-lock-unsafe": "the model has no interrupts: nothing of it runs on top of something else on one CPU",
    "kvm-lock-uninitialised": "locks are what they should be from the first state on; lockdep sees those that are not",
    "kvm-bug-on-result-ignored": "of a bugged VM the model claims discipline only, not what its pages contain",
    "kvm-dead-code": "what never runs changes no run",
    "tdx-silent-sanity-check": "no step of the model passes arguments that a wrapper could refuse",
    "tdx-seamcall-output-unset": "a SEAMCALL's outputs are not in the model, only its status",
    "tdx-allocation-not-accounted": "memory control groups are not in the model",
    "series-api-churn": "it is about the patches of a series, not about what the result does",
    "series-changelog-without-why": "it is about the text of a mail",
}
