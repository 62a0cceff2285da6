"""``nak model``: questions to the runtime model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


@click.group()
def model() -> None:
    """The runtime model: what goes wrong at run time when a rule is broken."""


def _how(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that the questions to the model share."""
    engines = click.Choice(["auto", "python", "numpy", "c", "all"])
    command = click.option("--engine", type=engines, default="auto", help="Who explores; all: they must agree.")(
        command
    )
    return click.option("--limit", type=click.IntRange(1), default=1 << 62, metavar="STATES", help="Stop there.")(
        command
    )


@model.command("check")
@click.option("--scope", "scopes", multiple=True, metavar="NAME", help="This scope: a name, or e.g. 2x3,no-zapper.")
@click.option("--set", "settings", multiple=True, metavar="FIELD=A|B", help="Another protocol; all choices named.")
@click.option("--no-reduce", is_flag=True, help="Without reductions: the counts that other checkers give.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@_how
def model_check(scopes: tuple[str, ...], settings: tuple[str, ...], no_reduce: bool, **how: Any) -> int:
    """Explore the correct protocol: every claim must hold."""
    from analyzer.model import ask

    return ask.check(scopes, settings, ask.How(how["engine"], not no_reduce, how["limit"], how["form"]), click.echo)


@model.command("mutate")
@click.option("--rule", metavar="ID", help="Only what breaks this rule.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@_how
def model_mutate(rule: str | None, form: str, engine: str, limit: int) -> int:
    """Break each rule in turn: which claim breaks first, and how soon."""
    from analyzer.model import ask

    return ask.mutate(rule, ask.How(engine, False, limit, form), click.echo)


@model.command("explain")
@click.argument("mutation")
@click.option("--claim", metavar="ID", help="The way to this claim, whatever breaks before it.")
@click.option("--format", "form", type=click.Choice(["text", "json", "mermaid"]), default="text", help="How to print.")
@_how
def model_explain(mutation: str, claim: str | None, form: str, engine: str, limit: int) -> int:
    """The shortest interleaving that shows a mutation, and where the correct protocol would have stopped it."""
    from analyzer.model import ask

    return ask.explain(mutation, claim, ask.How(engine, False, limit, form), click.echo)


@model.command("export")
@click.argument("form", type=click.Choice(["promela", "murphi"]))
@click.option("--scope", default="2x2", metavar="NAME", help="What to export (default: 2x2).")
@click.option("--mutation", metavar="NAME", help="With this rule broken.")
def model_export(form: str, scope: str, mutation: str | None) -> None:
    """The model for another checker."""
    from analyzer.model import ask

    click.echo(ask.export(form, scope, mutation), nl=False)


@model.command("scope")
def model_scope() -> None:
    """The scopes, and what the model leaves out."""
    from analyzer.model import tell

    click.echo(tell.scopes(), nl=False)
