"""The verbs of ``nak``: arguments in, text and an exit code out; no logic of its own.

Exit codes (DESIGN D11): 0 nothing at or above the threshold, 1 findings, 2 usage or configuration, 3 input that could
not be analysed completely, 4 an error of nak's own.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import click

import analyzer
from analyzer.cli.model import model

FORMATS = click.Choice(["text", "json", "lines"])
LEVELS = ("error", "warning", "info")


class _Nak(click.Group):
    """Turns what the user can mend into one line, and anything else into exit code 4."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run; the exit code is that of DESIGN D11."""
        from analyzer.core.problem import AnalyzerError

        kwargs["standalone_mode"] = False
        gc.disable()  # one short run: syntax trees and IR live to its end, and looking for cycles costs a fifth of it
        try:
            sys.exit(super().main(*args, **kwargs) or 0)
        except AnalyzerError as error:
            _fail(str(error), error.exit_code)
        except click.exceptions.Exit as wanted:
            sys.exit(wanted.exit_code)
        except click.exceptions.Abort:
            _fail("interrupted", 130)
        except click.ClickException as error:
            _fail(error.format_message(), 2)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        except Exception as error:  # the last door: a traceback helps no user
            if os.environ.get("NAK_RAISE") == "1":
                raise
            _fail(f"internal error: {type(error).__name__}: {error} (NAK_RAISE=1 shows where)", 4)


def _fail(message: str, code: int) -> None:
    from analyzer.core.visible import visible

    click.echo(f"nak: {visible(message)}", err=True)
    sys.exit(code)


@click.group(cls=_Nak, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(analyzer.__version__, prog_name="nak", message="%(prog)s %(version)s")
def main() -> None:
    """Review KVM/TDX patches before a maintainer has to."""


def run() -> NoReturn:
    """The command ``nak``: ends at once, as to take down all that was read costs a fifth of the run."""
    code: object = 0
    try:
        main()
    except SystemExit as done:
        code = done.code
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = 0
    os._exit(code if isinstance(code, int) else int(code is not None))


def _common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that review and check share."""
    options: tuple[Callable[[Callable[..., Any]], Callable[..., Any]], ...] = (
        click.option("--format", "form", type=FORMATS, default="text", help="How to print."),
        click.option("--rule", "rules", multiple=True, metavar="ID", help="Only this rule; may be repeated."),
        click.option("--trial", is_flag=True, help="Also rules that are on trial."),
        click.option(
            "--model/--no-model", "model_", default=None, help="Explore the model for verdicts; ask it nothing."
        ),
        click.option("--no-cache", is_flag=True, help="Look nothing up from earlier runs, and keep nothing."),
        click.option("--fail-on", type=click.Choice(LEVELS), help="Exit 1 from this severity on (default: warning)."),
        click.option("-v", "--verbose", is_flag=True, help="Every problem and every source in full."),
        click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours."),
    )
    for option in options:
        command = option(command)
    return command


@main.command()
@click.argument("inputs", nargs=-1, metavar="MAILS... | - | A..B")
@click.option("--tree", type=click.Path(file_okay=False, path_type=Path), help="The kernel the series is for.")
@click.option("--no-tree", is_flag=True, help="Use no tree, even if the current folder is one.")
@click.option("--existing", is_flag=True, help="Also what was there before the series.")
@_common
def review(inputs: tuple[str, ...], tree: Path | None, no_tree: bool, existing: bool, **common: Any) -> int:
    """Review a patch series: mails, mboxes, maildirs, folders, standard input, or commits A..B of a tree."""
    from analyzer.core.problem import AnalyzerError
    from analyzer.review import review_series

    if not inputs:
        raise AnalyzerError("nothing to review: give mails, - for standard input, or a range A..B")
    options = _options(common, ())
    place = None if no_tree else tree or _kernel_here()
    with _progress() as step:
        result = review_series(inputs, place, options.with_progress(step), sys.stdin.buffer)
    _print(result, common, existing)
    return _exit_code(result, common)


@main.command()
@click.argument("tree", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--paths", multiple=True, metavar="PATH", help="Read these files or folders instead of KVM and TDX.")
@click.option("--lock-report", is_flag=True, help="Print what the lock analysis proves of each lock assertion.")
@click.option("--baseline", type=click.Path(dir_okay=False, path_type=Path), help="Leave out what this file accepts.")
@click.option("--write-baseline", is_flag=True, help="Write all findings to the file of --baseline.")
@click.option("--reason", default="", help="Why what is new in a written baseline is accepted.")
@_common
def check(tree: Path | None, paths: tuple[str, ...], lock_report: bool, **common: Any) -> int:
    """Check a kernel tree as it is (default: the one around the current folder)."""
    from analyzer import review as pipeline

    place = _need_kernel(tree)
    options = _options(common, paths)
    if lock_report:
        click.echo(pipeline.lock_report(place, options), nl=False)
        return 0
    result = pipeline.check_tree(place, options)
    if common["baseline"]:
        if common["write_baseline"]:
            return _write_baseline(result, common)
        result = _accepted(result, common["baseline"])
    elif common["write_baseline"]:
        raise click.UsageError("--write-baseline needs --baseline FILE")
    _print(result, common, True)
    return _exit_code(result, common)


def _accepted(result: Any, path: Path) -> Any:
    """The result without what a baseline accepts; entries that do nothing are named."""
    from analyzer.gate import baseline

    applied = baseline.apply(result, baseline.read(path))
    for entry in applied.stale:
        click.echo(f"nak: {path}: stale, there is no such finding any more: {entry.words}", err=True)
    for entry in applied.bare:
        click.echo(f"nak: {path}: accepts nothing without a reason: {entry.words}", err=True)
    return applied.review


def _write_baseline(result: Any, common: dict[str, Any]) -> int:
    from analyzer.gate import baseline

    path = common["baseline"]
    known = baseline.read(path) if path.exists() else ()
    number = baseline.write(path, result.findings, known, common["reason"])
    bare = sum(not e.reason for e in baseline.read(path))
    missing = f"; {bare} of them need a reason" if bare else ""
    click.echo(f"{path}: {number} entries{missing}")
    return 0


@main.command()
@click.argument("rule")
def explain(rule: str) -> None:
    """What a rule means, who stated it where, and what it looks like in C."""
    from analyzer.engine.registry import choose, load_rules
    from analyzer.engine.tell import explain as told
    from analyzer.model.kvm_tdx.mutations import MUTATIONS

    click.echo(told(choose(load_rules(), (rule,))[0]), nl=False)
    shown = [m for m in MUTATIONS if rule in m.rules and not m.equivalent]
    if shown:
        click.echo("\nAt run time, on the model:")
    for mutation in shown:
        click.echo(f"  nak model explain {mutation.name}  ({mutation.text})")


@main.group()
def rules() -> None:
    """The rules."""


@rules.command("list")
def rules_list() -> None:
    """One line a rule."""
    from analyzer.engine.registry import load_rules
    from analyzer.engine.tell import listing

    click.echo(listing(load_rules()), nl=False)


@rules.command("test")
@click.argument("ids", nargs=-1, metavar="[ID]...")
def rules_test(ids: tuple[str, ...]) -> int:
    """Try rules (default: all) on their own examples and litmus files."""
    from analyzer.engine.examples import told, tried
    from analyzer.engine.registry import choose, load_rules, load_vocabulary

    failed = False
    for rule in choose(load_rules(), ids):
        done = list(tried(rule, load_vocabulary()))
        failed |= any(one.misses for one in done)
        click.echo(told(rule, done), nl=False)
    return int(failed)


@rules.command("new")
@click.argument("rule", metavar="ID")
def rules_new(rule: str) -> None:
    """Write the skeleton of a rule in the checkout that is the current folder; its tests fail until it is filled."""
    from analyzer.engine.registry import load_rules
    from analyzer.engine.skeleton import write

    for path in write(rule, Path.cwd(), max(r.catalog for r in load_rules()) + 1):
        click.echo(path)


@main.command()
@click.argument("tree", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--callers", metavar="F", help="Who calls F.")
@click.option("--callees", metavar="F", help="What F calls.")
@click.option("--roots", metavar="F", help="The entry points that lead to F.")
@click.option("--from", "start", metavar="A", help="Paths from A (with --to).")
@click.option("--to", "end", metavar="B", help="Paths to B (with --from).")
@click.option("--diff", "base", metavar="REV", help="What changed in the graph since REV of the tree.")
@click.option("--unresolved", is_flag=True, help="Indirect calls without a target.")
@click.option("--depth", type=int, default=None, help="How far callers and callees go.")
@click.option("--limit", type=int, default=5, help="How many paths.")
@click.option("--locks", is_flag=True, help="Show what is held along a path.")
@click.option("--paths", multiple=True, metavar="PATH", help="Read these files or folders instead of KVM and TDX.")
@click.option("--format", "form", type=click.Choice(["text", "json", "dot", "graphml", "svg"]), default="text")
def graph(tree: Path | None, paths: tuple[str, ...], form: str, **asked: Any) -> None:
    """The call graph: callers, callees, paths, roots, differences."""
    from analyzer.ask import graph as answer

    click.echo(answer(_need_kernel(tree), paths, form, asked), nl=False)


@main.command()
@click.argument("what", type=click.Choice(["series", "ir", "calls", "held"]))
@click.argument("files", nargs=-1, required=True)
@click.option("--tree", type=click.Path(file_okay=False, path_type=Path), help="The kernel that the files are in.")
def dump(what: str, files: tuple[str, ...], tree: Path | None) -> None:
    """What nak sees: a series as read, the IR, the calls or the locks of a file."""
    from analyzer.ask import dump as answer

    click.echo(answer(what, files, tree or _kernel_here()), nl=False)


def _kernel_here() -> Path | None:
    from analyzer.tree.repo import find_kernel_root

    return find_kernel_root(Path.cwd())


def _need_kernel(tree: Path | None) -> Path:
    from analyzer.core.problem import AnalyzerError

    place = tree or _kernel_here()
    if place is None:
        raise AnalyzerError("no kernel tree here: name one")
    return place


def _options(common: dict[str, Any], paths: tuple[str, ...]) -> Any:
    from analyzer.kept import of_user
    from analyzer.review import VERDICTS, Options
    from analyzer.tree.settings import settings

    kept = None if common["no_cache"] else of_user()
    chosen = settings(Path.cwd())
    common["fail_on"] = common["fail_on"] or chosen.fail_on
    asked = {None: VERDICTS, True: "explore", False: "off"}[common["model_"]]
    return Options(common["rules"] or chosen.rules, common["trial"] or chosen.trial, paths, kept=kept, model=asked)


class _progress:
    """A progress bar on stderr for long work, only on a terminal."""

    def __enter__(self) -> Callable[[str, int, int], None] | None:
        self.bar: Any = None
        if not sys.stderr.isatty():
            return None
        self.task: Any = None
        return self.step

    def step(self, what: str, done: int, total: int) -> None:
        """One more of ``total`` is being worked on."""
        if self.bar is None:
            from rich.console import Console
            from rich.progress import Progress

            self.bar = Progress(console=Console(stderr=True), transient=True)
            self.bar.start()
            self.task = self.bar.add_task(what, total=total)
        self.bar.update(self.task, completed=done - 1, total=total, description=f"{what} {done}/{total}")

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()


def _print(result: Any, common: dict[str, Any], existing: bool) -> None:
    form = common["form"]
    if form == "json":
        from analyzer.report import json

        text = json.render(result)
    elif form == "lines":
        from analyzer.report import lines

        text = lines.render(result)
    else:
        text = _text(result, common, existing)
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))


def _text(result: Any, common: dict[str, Any], existing: bool) -> str:
    import shutil

    from analyzer.report import terminal

    wanted = common["color"]
    color = wanted == "always" or (wanted == "auto" and terminal.use_color(sys.stdout, os.environ))
    width = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 100
    return terminal.render(result, color=color, width=width, show_existing=existing, verbose=common["verbose"])


def _exit_code(result: Any, common: dict[str, Any]) -> int:
    """1 for findings that count, 3 where something was lost that could hide one, else 0."""
    from analyzer.core.problem import ProblemKind

    counted = LEVELS[: LEVELS.index(common["fail_on"] or "warning") + 1]
    if any(f.severity in counted and (result.series is None or f.change == "introduced") for f in result.findings):
        return 1
    lost = (
        ProblemKind.CRASHED,
        ProblemKind.MISSING_PATCH,
        ProblemKind.TOO_LARGE,
        ProblemKind.UNREADABLE,
        ProblemKind.MALFORMED,
    )
    return 3 if any(p.kind in lost for p in result.problems) else 0


main.add_command(model)
