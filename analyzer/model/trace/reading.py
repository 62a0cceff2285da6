"""Bytes of a trace to lines: a file, gzip or a stream, within limits, hostile input included."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from analyzer.core.problem import AnalyzerError, Problem, ProblemKind
from analyzer.model.trace.record import TraceLimits

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib: 15 bits of window, gzip header
# What people pass by mistake: the recording instead of its report.
_RECORDINGS = {
    b"\x17\x08\x44tracing": "a trace-cmd recording; give the output of 'trace-cmd report'",
    b"PERFILE2": "a perf recording; give the output of 'perf script'",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; decompress it first",
    b"\xfd7zXZ": "compressed with xz; decompress it first",
}


@dataclass(slots=True)
class Lines:
    """The lines of one trace, in lists of a chunk each; what was left out is in ``problems`` afterwards."""

    where: str
    limits: TraceLimits
    problems: list[Problem] = field(default_factory=list)
    long_lines: int = 0

    def lose(self, kind: ProblemKind, detail: str) -> None:
        """Note something that was not seen."""
        self.problems.append(Problem(kind, self.where, detail))

    def read(self, stream: BinaryIO) -> Iterator[list[str]]:
        """Lines without their ends; one chunk of the input at a time."""
        left, rest, skipping, first = self.limits.bytes, b"", False, True
        for block in self._blocks(stream):
            if first and self._refused(block):
                return
            first = False
            if len(block) > left:
                self.lose(ProblemKind.TOO_LARGE, f"only the first {self.limits.bytes} bytes were read")
            block, left = block[:left], left - len(block)
            head, newline, tail = (rest + block).rpartition(b"\n")
            if newline:
                yield self._split(head, skipping)
                skipping, rest = False, tail
            else:
                rest = tail
            if len(rest) > self.limits.line_bytes:
                rest, skipping = b"", True
            if left < 0:
                break
        if rest and not skipping:
            yield self._split(rest, False)
        self.long_lines += skipping
        if self.long_lines:
            detail = f"{self.long_lines} lines of more than {self.limits.line_bytes} bytes were left out"
            self.lose(ProblemKind.TOO_LARGE, detail)

    def _blocks(self, stream: BinaryIO) -> Iterator[bytes]:
        """The input in blocks, decompressed where it is gzip."""
        blocks = self._raw(stream)
        first = next(blocks, b"")
        yield from self._inflated(chain((first,), blocks)) if first.startswith(_GZIP) else chain((first,), blocks)

    def _raw(self, stream: BinaryIO) -> Iterator[bytes]:
        try:
            while block := stream.read(_CHUNK):
                yield block
        except OSError as broken:
            self.lose(ProblemKind.UNREADABLE, str(broken))

    def _inflated(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """Every member of a gzip file, never more than a chunk at a time."""
        member = zlib.decompressobj(_GZIP_WINDOW)
        try:
            for block in blocks:
                left = block
                while left:
                    if member.eof:
                        member = zlib.decompressobj(_GZIP_WINDOW)
                    yield member.decompress(left, _CHUNK)
                    left = member.unused_data if member.eof else member.unconsumed_tail
        except zlib.error as broken:
            self.lose(ProblemKind.MALFORMED, f"the gzip data is broken: {broken}")
            return
        if not member.eof:
            self.lose(ProblemKind.MALFORMED, "the gzip data breaks off")

    def _refused(self, block: bytes) -> bool:
        for magic, what in _RECORDINGS.items():
            if block.startswith(magic):
                self.lose(ProblemKind.MALFORMED, f"this is {what}")
                return True
        if block.count(0) * 100 > len(block):
            self.lose(ProblemKind.MALFORMED, "this is binary data, not the text of a trace")
            return True
        return False

    def _split(self, text: bytes, skipping: bool) -> list[str]:
        lines = text.decode("utf-8", "surrogateescape").split("\n")
        if skipping:  # the end of a line whose beginning was left out
            lines[0] = ""
            self.long_lines += 1
        most = self.limits.line_bytes
        if len(text) > most and max(map(len, lines)) > most:
            self.long_lines += sum(len(line) > most for line in lines)
            lines = ["" if len(line) > most else line for line in lines]
        return lines


def open_trace(path: str | Path) -> BinaryIO:
    """The file, or AnalyzerError in one line."""
    try:
        return Path(path).open("rb")
    except (OSError, ValueError) as broken:
        raise AnalyzerError(f"cannot read the trace {path}: {getattr(broken, 'strerror', None) or broken}") from broken
