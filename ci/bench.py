"""Measures nak against a reference in the same run; every row prints both sides, their ratio and the budget."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
SERIES = "corpus/lore/tdx-hugepage-v3"
ARCHIVE = "kernel/linux-7.3.4-kvm-tdx.tar.xz"
TREE = "linux-7.3.4"  # the folder of the archive that is the kernel
JSON = b'{\n  "nak": {'  # how a report begins: a run without one measured something else

# What the budget of a check is counted in: tree-sitter alone over the same files.
PARSE = """
import sys, tree_sitter, tree_sitter_c
parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_c.language()))
for line in sys.stdin:
    with open(line.rstrip("\\n"), "rb") as source:
        parser.parse(source.read())
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one command: wall-clock seconds and peak memory in MB."""

    seconds: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured, against what, and the most it may be (``budget``: in ``unit`` of the comparison)."""

    name: str
    ours: Sample
    reference_name: str
    reference: Sample
    value: float
    unit: str
    budget: float
    memory: float | None = None  # MB that ours may use

    @property
    def kept(self) -> bool:
        """Whether time and memory are within the budget."""
        return self.value <= self.budget and (self.memory is None or self.ours.megabytes <= self.memory)


class NotMeasured(Exception):
    """A row that could not be measured, and why."""


def measured(command: Sequence[str], cache: Path, text: str = "", times: int = 1, begins: bytes = b"") -> Sample:
    """The median of ``times`` runs; raises NotMeasured when the output of one does not begin as it should."""
    samples = [_once(command, cache, text, begins) for _ in range(times)]
    return Sample(statistics.median(s.seconds for s in samples), max(s.megabytes for s in samples))


def _once(command: Sequence[str], cache: Path, text: str, begins: bytes) -> Sample:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(text.encode())
        given.seek(0)
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=given, stdout=out, stderr=err, env=environment, cwd=cache)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        said = err.read().decode(errors="replace").strip().splitlines() or ["nothing on stderr"]
        good = out.read(len(begins)) == begins if begins else process.returncode == 0
    if not good:
        raise NotMeasured(f"{command[-1]}: exit code {process.returncode}: {said[-1]}")
    return Sample(seconds, usage.ru_maxrss / 1024)


def nak(*words: str) -> list[str]:
    """The command line of nak under this interpreter."""
    return [PYTHON, "-m", "analyzer", *words]


def report(command: Sequence[str], cache: Path, times: int = 1) -> Sample:
    """Like `measured`, for a command that reports as JSON, whatever it finds."""
    return measured([*command, "--format", "json"], cache, times=times, begins=JSON)


@dataclass(slots=True)
class Bench:
    """The rows and what they share: a scratch folder, the real data, and samples that later rows count in."""

    scratch: Path
    shared: Path | None
    times: int
    cold_check: Sample | None = None

    def fresh(self, name: str) -> Path:
        """An empty folder, used as cache and as working folder of a run."""
        folder = self.scratch / name
        folder.mkdir(parents=True)
        return folder

    def kernel(self) -> Path:
        """The real kernel, unpacked on first use."""
        archive = self._data(ARCHIVE)
        place = self.scratch / "kernel"
        if not place.is_dir():
            with tarfile.open(archive) as packed:
                packed.extractall(place, filter="data")
        return place / TREE

    def mails(self) -> list[str]:
        """The mails of the real series."""
        return [str(mail) for mail in sorted(self._data(SERIES).glob("*.eml"))]

    def _data(self, name: str) -> Path:
        if self.shared is None or not (self.shared / name).exists():
            raise NotMeasured(f"no {name}: give the folder with --shared or NAK_SHARED")
        return self.shared / name


def start_up(bench: Bench) -> Row:
    """``nak --version`` above an interpreter that does nothing."""
    ours = measured(nak("--version"), bench.fresh("start"), times=5 * bench.times, begins=b"nak")
    nothing = measured([PYTHON, "-c", "pass"], bench.fresh("nothing"), times=5 * bench.times)
    value = (ours.seconds - nothing.seconds) * 1000
    return Row("nak --version", ours, "python -c pass", nothing, value, "ms above", 80)


def check_cold(bench: Bench) -> Row:
    """All of KVM/TDX with an empty cache, counted in parse times."""
    kernel = bench.kernel()
    parse = measured([PYTHON, "-c", PARSE], bench.fresh("parse"), text="".join(_sources(kernel)))
    bench.cold_check = report(nak("check", str(kernel)), bench.fresh("check"))
    value = bench.cold_check.seconds / parse.seconds
    return Row("check, cold", bench.cold_check, "tree-sitter parse", parse, value, "x", 8, memory=500)


def check_warm(bench: Bench) -> Row:
    """The same again with the cache that the cold run left."""
    if bench.cold_check is None:
        raise NotMeasured("the cold check was not measured")
    ours = report(nak("check", str(bench.kernel())), bench.scratch / "check", bench.times)
    return Row("check, warm", ours, "check, cold", bench.cold_check, ours.seconds, "s", 0.5)


def check_changed(bench: Bench) -> Row:
    """The same with one function of tdx.c changed since."""
    if bench.cold_check is None:
        raise NotMeasured("the cold check was not measured")
    source = bench.kernel() / "arch/x86/kvm/vmx/tdx.c"
    text = source.read_bytes()
    start = text.index(b"\nstatic void tdx_track(")
    body = text.index(b"\n{\n", start) + 3
    source.write_bytes(text[:body] + b"\tint changed = 0;\n\n" + text[body:])
    try:
        ours = report(nak("check", str(bench.kernel())), bench.scratch / "check")
    finally:
        source.write_bytes(text)
    return Row("check, one function", ours, "check, cold", bench.cold_check, ours.seconds, "s", 0.8)


def growth_files(bench: Bench) -> Row:
    """Every second file against every file: the time a line takes must not grow with their number."""
    if bench.cold_check is None:
        raise NotMeasured("the cold check was not measured")
    kernel = bench.kernel()
    every = [line.strip() for line in _sources(kernel)]
    chosen = every[::2]
    paths = [word for path in chosen for word in ("--paths", str(Path(path).relative_to(kernel)))]
    ours = report(nak("check", str(kernel), *paths), bench.fresh("half"))
    lines = [sum(Path(p).read_bytes().count(b"\n") for p in some) for some in (every, chosen)]
    value = (bench.cold_check.seconds / lines[0]) / (ours.seconds / lines[1])
    return Row("check, half the files", ours, "check, cold", bench.cold_check, value, "x a line", 1.5)


def growth_patches(bench: Bench) -> Row:
    """The first quarter of the series against all of it: the time a patch takes must not grow with their number."""
    mails = bench.mails()
    few = mails[: len(mails) // 4]
    ours = report(nak("review", *few), bench.fresh("few"))
    every = report(nak("review", *mails), bench.fresh("every"))
    value = (every.seconds / len(mails)) / (ours.seconds / len(few))
    return Row(f"review, {len(few)} mails", ours, f"review, {len(mails)} mails", every, value, "x a mail", 1.5)


def review_mails(bench: Bench) -> Row:
    """The real series from mails alone, with an empty cache."""
    mails = bench.mails()
    ours = report(nak("review", *mails), bench.fresh("mails"))
    nothing = measured([PYTHON, "-c", "pass"], bench.fresh("nothing-again"))
    return Row(f"review, {len(mails)} mails", ours, "python -c pass", nothing, ours.seconds, "s", 2)


def review_tree(bench: Bench) -> Row:
    """The real series on the real tree, counted in cold checks of the tree."""
    if bench.cold_check is None:
        raise NotMeasured("the cold check was not measured")
    ours = report(nak("review", *bench.mails(), "--tree", str(bench.kernel())), bench.fresh("on-tree"))
    value = ours.seconds / bench.cold_check.seconds
    return Row("review on the tree", ours, "check, cold", bench.cold_check, value, "x", 2)


ROWS: tuple[Callable[[Bench], Row], ...] = (
    start_up,
    check_cold,
    check_warm,
    check_changed,
    growth_files,
    review_mails,
    growth_patches,
    review_tree,
)


def _sources(kernel: Path) -> Iterator[str]:
    for pattern in ("arch/x86/kvm/**/*.[ch]", "virt/kvm/**/*.[ch]", "arch/x86/virt/vmx/tdx/*.[ch]"):
        yield from (f"{path}\n" for path in sorted(kernel.glob(pattern)))


def shown(row: Row) -> str:
    """One line a row: both sides, the comparison, the budget, and whether it is kept."""
    ours = f"{row.ours.seconds:8.3f} s {row.ours.megabytes:6.0f} MB"
    reference = f"{row.reference.seconds:8.3f} s  {row.reference_name}"
    limit = f"{row.budget:g} {row.unit}" + (f", {row.memory:g} MB" if row.memory is not None else "")
    verdict = "kept" if row.kept else "MISSED"
    return f"{row.name:22} {ours}   against {reference:28} {row.value:8.2f} {row.unit:8} budget {limit:14} {verdict}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 when a budget was missed, which ``--report-only`` turns into 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, help="folder with the real kernel and the real mails")
    parser.add_argument("--times", type=int, default=3, help="runs a row takes the median of, where runs are short")
    parser.add_argument("--report-only", action="store_true", help="a missed budget is no failure")
    options = parser.parse_args(arguments)
    default = Path(os.environ.get("NAK_SHARED") or ROOT.parent / "shared")
    shared = options.shared or (default if default.is_dir() else None)
    missed = 0
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(Path(scratch), shared, max(options.times, 1))
        for measure in ROWS:
            try:
                row = measure(bench)
            except NotMeasured as reason:
                line = f"{measure.__name__.replace('_', ' '):22} not measured: {reason}"
            else:
                line, missed = shown(row), missed + (not row.kept)
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
    return 1 if missed and not options.report_only else 0


if __name__ == "__main__":
    sys.exit(main())
