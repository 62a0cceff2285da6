"""Limits on hostile or huge input; a limit that is hit gives a partial result and a Problem."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Defaults of DESIGN D10; bytes unless the name says otherwise."""

    input_bytes: int = 512 * 1024 * 1024  # one mbox after decompression
    mail_bytes: int = 32 * 1024 * 1024  # one mail
    mails: int = 200_000
    patches: int = 1_000  # members of one series
    files: int = 20_000  # files of one diff or tree selection
    file_bytes: int = 8 * 1024 * 1024  # one source file
    hunk_lines: int = 2_000_000
    functions: int = 200_000
    seconds: float = 600.0


DEFAULT = Limits()
