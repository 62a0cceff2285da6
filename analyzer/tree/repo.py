"""Tree: a kernel tree as git objects or as a plain directory, read only; the only user of git."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from analyzer.core.limits import DEFAULT, Limits
from analyzer.core.problem import AnalyzerError
from analyzer.tree.files import CommitFiles, DirectoryFiles

_DROPPED = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_EXEC_PATH",
    "GIT_COMMON_DIR",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
)
# A repository's own config must not start a program: no monitor, hook, pager, signature check, and no
# transport (a partial clone would fetch missing objects through a command that its config names).
_GIT = (
    "git",
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "log.showSignature=false"),
    *("-c", "protocol.allow=never"),
)
_SETTINGS = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_LITERAL_PATHSPECS": "1",
    "LC_ALL": "C",
}
# The same diff whatever the user's or the repository's config says about diffs.
_DIFF = (
    *("--no-ext-diff", "--no-textconv", "--no-color", "--no-relative", "-M", "-U3", "--inter-hunk-context=0"),
    *("--full-index", "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short", "-O/dev/null"),
)
# The same mails: numbered, one plain text part each, no cover letter, nothing added to the message.
_MAIL = (
    *("--stdout", "--numbered", "--no-signature", "--no-attach", "--no-cover-letter", "--no-thread"),
    *("--no-base", "--no-notes", "--no-to", "--no-cc", "--no-from", "--no-add-header", "--no-binary"),
    *("--subject-prefix=PATCH", "--no-zero-commit", "--no-show-signature"),
)
_HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    return kept | _SETTINGS


def _complaint(root: Path, stderr: bytes) -> AnalyzerError:
    text = stderr.decode("utf-8", "replace")
    if "safe.directory" in text or "dubious ownership" in text:
        return AnalyzerError(
            f"{root} belongs to another user, so git refuses it; "
            f"if you trust it: git config --global --add safe.directory {root}"
        )
    lines = [line for line in text.splitlines() if line.strip()]
    return AnalyzerError(f"git cannot read {root}: {lines[0].strip() if lines else 'no reason given'}")


class _Objects:
    """One long-lived ``git cat-file --batch`` of a repository, started at first use; thread-safe."""

    def __init__(self, root: Path, limits: Limits) -> None:
        self._root = root
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._lock = threading.Lock()

    def get(self, name: str) -> tuple[str, bytes | None] | None:
        """(type, content) of the object with that full hash; content None above the size limit."""
        if not _HASH.match(name):
            return None
        with self._lock:
            try:
                return self._ask(name)
            except (OSError, ValueError):  # git died: it will be started again for the next object
                self._stop()
                return None

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._stop()

    def _ask(self, name: str) -> tuple[str, bytes | None] | None:
        source, sink = self._streams()
        sink.write(name.encode() + b"\n")
        sink.flush()
        header = source.readline()
        words = header.split()
        if header[-1:] != b"\n" or len(words) < 2:
            raise ValueError("git cat-file ended")
        if len(words) != 3 or not words[2].isdigit():
            return None  # "<name> missing"
        size = int(words[2])
        if size > self._limits.file_bytes:
            left = size + 1
            while left:
                got = len(source.read(min(left, 1 << 20)))
                left = left - got if got else 0
            return words[1].decode(), None
        data = source.read(size + 1)
        if len(data) != size + 1:
            raise ValueError("git cat-file ended")
        return words[1].decode(), data[:-1]

    def _streams(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._owner != os.getpid():  # a pipe inherited by a fork belongs to the parent
            self._process = None
        if self._process is None:
            self._process = subprocess.Popen(
                [*_GIT, "cat-file", "--batch"],
                cwd=self._root,
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            self._owner = os.getpid()
        if self._process.stdout is None or self._process.stdin is None:
            raise ValueError("no pipe")
        return self._process.stdout, self._process.stdin

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue
        process.wait()


@dataclass(frozen=True, slots=True)
class Ref:
    """A branch or tag: full name (``refs/...``) and the commit it leads to."""

    name: str
    commit: str


class Tree:
    """A kernel tree; a context manager that ends its git process. Made by ``open_tree``."""

    def __init__(self, root: Path, is_git: bool, bare: bool = False, limits: Limits = DEFAULT) -> None:
        """``root`` is the top of the work tree, the plain folder, or a bare repository."""
        self.root = root
        self.is_git = is_git
        self.limits = limits
        self._bare = bare
        self._objects = _Objects(root, limits)

    def __enter__(self) -> Tree:
        """The tree itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """As ``close``."""
        self.close()

    def close(self) -> None:
        """End the git process, if one runs; the tree can still be used."""
        self._objects.close()

    def files_at(self, commit: str) -> CommitFiles:
        """The files of a revision; AnalyzerError when there is no such revision."""
        return CommitFiles(self._objects, self.need(commit), self.limits)

    def worktree_files(self) -> DirectoryFiles:
        """The files as they stand in the folder; AnalyzerError for a bare repository."""
        if self._bare:
            raise AnalyzerError(f"{self.root} is a bare repository: it has no work tree")
        return DirectoryFiles(self.root, self.limits)

    def resolve(self, rev: str) -> str | None:
        """The full commit hash of a revision as the user wrote it, or None."""
        if not self.is_git or not rev or "\0" in rev:
            return None
        arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", rev + "^{commit}"]
        done = _run(self.root, arguments, self.limits)
        found = done.stdout.decode("ascii", "replace").strip()
        return found if done.returncode == 0 and _HASH.match(found) else None

    def need(self, rev: str) -> str:
        """As ``resolve``, but AnalyzerError instead of None."""
        found = rev if self.has_commit(rev) else self.resolve(rev)
        if found is None:
            raise AnalyzerError(f"no such revision: {rev}")
        return found

    def has_commit(self, commit: str) -> bool:
        """Whether this full hash is a commit of the clone."""
        found = self._objects.get(commit) if self.is_git else None
        return found is not None and found[0] == "commit"

    def is_kernel(self) -> bool:
        """Whether KVM's folders are there, in the folder or in HEAD."""
        if _looks_like_kernel(self.root):
            return True
        head = self.resolve("HEAD")
        return head is not None and bool(self.files_at(head).paths(("arch/x86/kvm", "virt/kvm")))

    def refs(self) -> tuple[Ref, ...]:
        """All local branches, remote branches and tags, by name."""
        form = "--format=%(refname)%00%(objectname)%00%(*objectname)"
        out = []
        for line in self._lines(["for-each-ref", form, "refs/heads", "refs/remotes", "refs/tags"]):
            name, commit, peeled = line.split("\0")
            out.append(Ref(name, peeled or commit))
        return tuple(out)

    def subjects(self, commit: str, count: int) -> list[tuple[str, str]]:
        """(commit, subject) of the last ``count`` commits without merges, newest first."""
        log = self._lines(["log", "--no-merges", "--topo-order", f"-n{count}", "--format=%H%x00%s", commit, "--"])
        return [(line[: line.index("\0")], line[line.index("\0") + 1 :]) for line in log]

    def patch_ids(self, tip: str, without: str, count: int) -> list[tuple[str, str]]:
        """(stable patch id, commit) of the last ``count`` commits of a full hash, newest first.

        Commits that ``without`` (a full hash or ``""``) contains are left out.
        """
        span = [tip, *([f"^{without}"] if without else [])]
        log = ["log", "-p", "--no-merges", "--topo-order", f"-n{count}", *_DIFF, "--format=commit %H", *span, "--"]
        with subprocess.Popen(
            [*_GIT, *log],
            cwd=self.root,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as source:
            done = _run(self.root, ["patch-id", "--stable"], self.limits, source.stdout)
        pairs = [line.split() for line in done.stdout.decode("ascii", "replace").splitlines()]
        return [(words[0], words[1]) for words in pairs if len(words) == 2]

    def _lines(self, arguments: Sequence[str]) -> list[str]:
        done = _run(self.root, arguments, self.limits)
        if done.returncode:
            raise _complaint(self.root, done.stderr)
        return [line for line in done.stdout.decode("utf-8", "surrogateescape").split("\n") if line]


def open_tree(path: Path, limits: Limits = DEFAULT) -> Tree:
    """The kernel tree at or around a folder.

    AnalyzerError (2) when there is no such folder, it is no kernel, or git refuses to read it.
    """
    if not path.is_dir():
        raise AnalyzerError(f"no such folder: {path}")
    root = find_kernel_root(path)
    if root is None:
        raise AnalyzerError(f"not a kernel tree with KVM (no arch/x86/kvm or virt/kvm): {path}")
    return _open(root, limits)


def find_kernel_root(start: Path) -> Path | None:
    """The kernel around a folder, git repository or plain unpacked tree, or None."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if _looks_like_kernel(folder):
            return folder
        if _has_git(folder):
            with _open(folder, DEFAULT) as tree:
                return folder if tree.is_kernel() else None
    return None


def range_patches(tree: Tree, spec: str) -> bytes:
    """The commits of ``A..B``, ``A..`` or ``..B`` as an mbox, oldest first, each with its ``From <hash>`` line.

    AnalyzerError (2) for another form, an unknown revision, an empty range or one over the limit of patches.
    """
    if not tree.is_git:
        raise AnalyzerError(f"{tree.root} has no git history: a range of commits cannot be read")
    if "..." in spec:
        raise AnalyzerError(f"{spec}: three dots mean a symmetric difference; write A..B")
    old, dots, new = spec.partition("..")
    if not dots or not (old or new):
        raise AnalyzerError(f"{spec}: not a range of commits; write A..B")
    span = f"{tree.need(old or 'HEAD')}..{tree.need(new or 'HEAD')}"
    counted = _run(tree.root, ["rev-list", "--count", "--no-merges", span, "--"], tree.limits)
    count = int(counted.stdout) if counted.returncode == 0 else 0
    if not count:
        raise AnalyzerError(f"no commits in {spec}")
    if count > tree.limits.patches:
        raise AnalyzerError(f"{spec} has {count} commits, more than {tree.limits.patches}")
    done = _run(tree.root, ["format-patch", *_MAIL, *_DIFF, span, "--"], tree.limits)
    if done.returncode:
        raise _complaint(tree.root, done.stderr)
    return done.stdout


def _run(
    root: Path, arguments: Sequence[str], limits: Limits, source: IO[bytes] | None = None
) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            [*_GIT, *arguments],
            cwd=root,
            env=_environment(),
            stdin=source or subprocess.DEVNULL,
            capture_output=True,
            timeout=limits.seconds,
            check=False,
        )
    except FileNotFoundError:
        raise AnalyzerError("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise AnalyzerError(f"git {arguments[0]} took more than {limits.seconds:.0f} s in {root}", 3) from None


def _looks_like_kernel(folder: Path) -> bool:
    return (folder / "arch/x86/kvm").is_dir() or (folder / "virt/kvm").is_dir()


def _has_git(folder: Path) -> bool:
    """A work tree's top, or a bare repository."""
    if (folder / ".git").exists():
        return True
    return (folder / "HEAD").is_file() and (folder / "objects").is_dir() and (folder / "refs").is_dir()


def _open(root: Path, limits: Limits) -> Tree:
    """A folder that is a kernel or a repository, as a Tree."""
    if not _has_git(root):
        return Tree(root, is_git=False, limits=limits)
    import configparser

    import git

    try:
        with _clean_environment(), git.Repo(root, expand_vars=False) as repository:
            bare = not (root / ".git").exists()
            where = Path(repository.git_dir)
    except (git.exc.GitError, configparser.Error, OSError, ValueError) as error:
        raise AnalyzerError(f"not a git repository: {root} ({type(error).__name__})") from None
    checked = _run(root, ["rev-parse", "--git-dir"], limits)
    if checked.returncode:
        raise _complaint(root, checked.stderr)
    if (root / os.fsdecode(checked.stdout.rstrip(b"\n"))).resolve() != where.resolve():
        raise AnalyzerError(f"git reads another repository than {where} for {root}")
    return Tree(root, is_git=True, bare=bare, limits=limits)


@contextmanager
def _clean_environment() -> Iterator[None]:
    """GitPython reads os.environ; hooks run with variables that name another repository."""
    held = {name: os.environ.pop(name) for name in _DROPPED if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(held)
