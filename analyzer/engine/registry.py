"""Every RULE and every VOCABULARY below a package, found by walking it."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace
from functools import cache
from types import ModuleType

from analyzer.core.problem import AnalyzerError
from analyzer.engine.rule import Rule, complete
from analyzer.ir.effect import Vocabulary, join


def _modules(package: str) -> list[ModuleType]:
    root = importlib.import_module(package)
    names = sorted(m.name for m in pkgutil.walk_packages(root.__path__, f"{package}."))
    return [importlib.import_module(n) for n in names]


@cache
def load_rules(package: str = "rules") -> tuple[Rule, ...]:
    """All rules of a package in the order of the catalog.

    Raises AnalyzerError for a rule that is not complete or whose id another rule has.
    """
    rules: dict[str, Rule] = {}
    for module in _modules(package):
        found = getattr(module, "RULE", None)
        if not isinstance(found, Rule):
            continue
        rule = replace(found, doc=module.__doc__ or "")
        missing = complete(rule)
        if missing:
            raise AnalyzerError(f"rule {rule.id} lacks {', '.join(missing)}")
        if rule.id in rules:
            raise AnalyzerError(f"two rules are called {rule.id}")
        rules[rule.id] = rule
    return tuple(sorted(rules.values(), key=lambda r: (r.catalog, r.id)))


@cache
def load_vocabulary(package: str = "rules") -> Vocabulary:
    """All vocabularies of a package, joined."""
    parts = [getattr(m, "VOCABULARY", None) for m in _modules(f"{package}.vocabulary")]
    return join(p for p in parts if isinstance(p, Vocabulary))


def choose(rules: tuple[Rule, ...], wanted: tuple[str, ...]) -> tuple[Rule, ...]:
    """The rules named; all of them when nothing is named. Raises AnalyzerError for a name nobody has."""
    if not wanted:
        return rules
    known = {r.id: r for r in rules}
    for name in wanted:
        if name not in known:
            raise AnalyzerError(f"no rule is called {name}; see `nak rules list`")
    return tuple(known[n] for n in dict.fromkeys(wanted))
