from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ci import bench

SAMPLE = bench.Sample(1.0, 100.0)


def test_a_run_is_timed_and_its_output_checked(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "import sys; print(sys.stdin.read())"]
    sample = bench.measured(command, tmp_path, text="nak 1", begins=b"nak")
    assert 0 < sample.seconds < 60
    assert sample.megabytes > 1
    with pytest.raises(bench.NotMeasured):
        bench.measured(command, tmp_path, text="other", begins=b"nak")


def test_a_failed_run_is_no_measurement(tmp_path: Path) -> None:
    with pytest.raises(bench.NotMeasured, match="exit code 3: why"):
        bench.measured([sys.executable, "-c", "import sys; sys.stderr.write('why'); sys.exit(3)"], tmp_path)


@pytest.mark.parametrize(
    ("value", "memory", "kept"), [(8.0, None, True), (8.1, None, False), (1.0, 99.0, False), (1.0, 100.0, True)]
)
def test_a_budget_is_time_and_memory(value: float, memory: float | None, kept: bool) -> None:
    row = bench.Row("a", SAMPLE, "b", SAMPLE, value, "x", 8, memory)
    assert row.kept is kept
    assert ("MISSED" in bench.shown(row)) is not kept


def test_missing_data_is_said(tmp_path: Path) -> None:
    with pytest.raises(bench.NotMeasured, match="--shared"):
        bench.Bench(tmp_path, None, 1).kernel()
