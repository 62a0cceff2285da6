"""``nak model``: questions to the runtime model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
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


@model.command("extract")
@click.argument("tree", type=click.Path(file_okay=False, path_type=Path))
@click.option("--flows", is_flag=True, help="Also the events of each flow, one string for each way through.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@_how
def model_extract(tree: Path, flows: bool, form: str, engine: str, limit: int) -> int:
    """What the source of a tree does at each point of the protocol, and whether the claims hold of that."""
    from analyzer.model.ask import How
    from analyzer.model.extract import ask
    from analyzer.review import facts_of

    with facts_of(tree) as facts:
        return ask.show(facts, str(tree), flows, How(engine, True, limit, form), click.echo)


CHECKERS = ("promela", "murphi")
LAYOUTS = ("tracefs", "trace-cmd", "perf", "bpftrace")


@model.command("export")
@click.argument("form", type=click.Choice([*CHECKERS, "trace", "probes", "bpftrace", "rv"]))
@click.option("--scope", default="2x2", metavar="NAME", help="Of the model: what to export (default: 2x2).")
@click.option("--mutation", metavar="NAME", help="Of the model: with this rule broken.")
@click.option("--rule", "rules", multiple=True, metavar="ID", help="Of probes: only what this rule needs.")
@click.option("--kprobe", is_flag=True, help="Of probes: for kernels without fprobe events.")
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), help="Of rv: the folder for its files.")
@click.option("--layout", type=click.Choice(LAYOUTS), default="tracefs", help="Of a trace: who could have written it.")
@click.option(
    "--steps", type=click.IntRange(0), default=500, metavar="N", help="Of a trace: random steps of the model."
)
@click.option("--seed", type=int, default=1, metavar="N", help="Of a trace: which random steps.")
def model_export(
    form: str,
    scope: str,
    mutation: str | None,
    rules: tuple[str, ...],
    kprobe: bool,
    into: Path | None,
    **run: Any,
) -> None:
    """The model for another checker, or a trace of it; the rules as probes to arm, a bpftrace script, RV monitors."""
    if form in (*CHECKERS, "trace"):
        from analyzer.model import ask

        text = ask.trace(scope, mutation, **run) if form == "trace" else ask.export(form, scope, mutation)
        click.echo(text, nl=False)
        return
    from analyzer.model.trace.ask import instruments

    _known(rules)
    for text in instruments(form, rules, kprobe, into):
        click.echo(text, nl=False)


@model.command("replay")
@click.argument("trace", metavar="TRACE | -")
@click.option("--rule", "rules", multiple=True, metavar="ID", help="Only this rule; may be repeated.")
@click.option("--armed", multiple=True, metavar="EVENT", help="This event's probe was on, even if it never fired.")
@click.option("--window", type=click.IntRange(1), metavar="N", help="Replay N events before each alarm.")
@click.option("--exact", is_flag=True, help="Replay the whole trace on the model, however long it is.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="How to print.")
@click.option("-v", "--verbose", is_flag=True, help="Also what conforms, and each guard.")
def model_replay(trace: str, **how: Any) -> int:
    """Check a recorded trace against the rules: tracefs, trace-cmd, perf script, bpftrace; plain or gzip.

    Monitors of the rules see all of it. A short trace, or else what is around each of their alarms, is replayed on the
    model, too, which names the first event that no state of it explains and the guard that failed.
    """
    from analyzer.model.trace.ask import How, replay

    _known(how["rules"])
    text, code = replay(trace, How(**how))
    click.echo(text, nl=False)
    return code


def _known(rules: tuple[str, ...]) -> None:
    """Refuse a name that no rule has."""
    from analyzer.engine.registry import choose, load_rules

    choose(load_rules(), rules)


@model.command("scope")
def model_scope() -> None:
    """The scopes, and what the model leaves out."""
    from analyzer.model import tell

    click.echo(tell.scopes(), nl=False)
