"""What earlier runs found, kept in one SQLite file in the user's cache folder: addressed by all that went into it.

The file may be deleted at any time, and any number of runs may use it at once. Nothing in it is trusted across
versions: the code of nak is part of every address.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from analyzer.core.result import Review

MAX_BYTES = 64 * 1024 * 1024
WAIT = 1.0  # seconds for another run to let go of the file
_TABLE = "CREATE TABLE IF NOT EXISTS kept (address TEXT PRIMARY KEY, used REAL, size INTEGER, data BLOB)"


@cache
def code() -> bytes:
    """A hash of the code that is running, rules included."""
    import importlib.util

    seen = hashlib.sha256()
    for package in ("analyzer", "rules"):
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            for source in sorted(Path(folder).rglob("*.py")):
                seen.update(f"{source.relative_to(folder)}\0".encode())
                seen.update(source.read_bytes())
    return seen.digest()


def address(*parts: object) -> str:
    """The address of what is made from ``parts``, whose ``repr`` tells them apart."""
    seen = hashlib.sha256(code())
    for part in parts:
        seen.update(repr(part).encode("utf-8", "surrogateescape"))
        seen.update(b"\0")
    return seen.hexdigest()


@dataclass(frozen=True, slots=True)
class Kept:
    """The file; a file that cannot be used keeps nothing and breaks nothing."""

    path: Path
    max_bytes: int = MAX_BYTES

    def get(self, at: str) -> Review | None:
        """What was put there, if it can be read."""
        import msgspec

        try:
            with self._open() as base:
                found = base.execute("SELECT data FROM kept WHERE address = ?", (at,)).fetchone()
                if found is None:
                    return None
                base.execute("UPDATE kept SET used = ? WHERE address = ?", (time.time(), at))
            return msgspec.msgpack.decode(found[0], type=Review)
        except (OSError, sqlite3.Error, msgspec.MsgspecError, TypeError):
            return None

    def put(self, at: str, review: Review) -> None:
        """Keep a review; the longest unused go where there is no room."""
        import msgspec

        data = msgspec.msgpack.encode(review)
        if len(data) > self.max_bytes // 4:
            return
        try:
            with self._open() as base:
                base.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", (at, time.time(), len(data), data))
                base.executemany("DELETE FROM kept WHERE address = ?", list(self._too_many(base)))
        except (OSError, sqlite3.Error):
            return

    def _too_many(self, base: sqlite3.Connection) -> Iterable[tuple[str]]:
        total = 0
        for at, size in base.execute("SELECT address, size FROM kept ORDER BY used DESC").fetchall():
            total += size
            if total > self.max_bytes:
                yield (at,)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(self._connected()) as base, base:
            yield base

    def _connected(self) -> sqlite3.Connection:
        base = sqlite3.connect(self.path, timeout=WAIT)
        try:
            base.execute("PRAGMA journal_mode = WAL")
            base.execute(_TABLE)
        except sqlite3.DatabaseError as error:
            base.close()
            if isinstance(error, sqlite3.OperationalError):
                raise  # busy, or a full disk: somebody else's file is left alone
            self.path.unlink(missing_ok=True)  # no database
            base = sqlite3.connect(self.path, timeout=WAIT)
            base.execute(_TABLE)
        return base


def of_user() -> Kept:
    """The file in the user's cache folder."""
    import platformdirs

    return Kept(Path(platformdirs.user_cache_dir("nak")) / "kept.sqlite")
