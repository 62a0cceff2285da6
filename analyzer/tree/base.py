"""Base: the state of the tree a series was made on, chosen with a written reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from analyzer.core.problem import AnalyzerError, Problem, ProblemKind
from analyzer.series.types import FileDiff, FileStatus, Series
from analyzer.tree.apply import ApplyError, apply_file
from analyzer.tree.files import CommitFiles, is_safe
from analyzer.tree.repo import Ref, Tree
from analyzer.tree.snapshot import Files

# Where KVM x86 series are based, best first (Documentation/process/maintainer-kvm-x86.rst); kvm/master only
# holds fixes for the current release, so it is no candidate.
_BRANCHES = (
    ("kvm-x86/next", re.compile(r"/kvm-x86/next\Z")),
    ("kvm/next", re.compile(r"/kvm/next\Z")),
    ("tip/x86/tdx", re.compile(r"/tip/x86[-/_]tdx\Z")),
    ("linux-next", re.compile(r"/(?:linux-next(?:/master)?|next/master)\Z")),
)
_MAINLINE = re.compile(r"refs/tags/v(\d+)\.(\d+)(?:-rc(\d+))?\Z")
_TAGS = 6  # newest mainline tags that are tried
_HISTORY = 1_000  # commits searched for a prerequisite patch in one branch


@dataclass(frozen=True, slots=True)
class Base:
    """Where the series starts: ``commit`` is a full hash (``""`` for a plain directory), ``reason`` one sentence."""

    commit: str
    reason: str
    files: Files
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Candidate:
    name: str
    commit: str


@dataclass(frozen=True, slots=True)
class _Score:
    """How a candidate fits: blob ids of first-touched files that agree, file diffs that fail to apply."""

    candidate: _Candidate
    matches: int
    wanted: int
    failed: int = 0

    @property
    def exact(self) -> bool:
        return self.wanted > 0 and self.matches == self.wanted

    def __str__(self) -> str:
        words = f"{self.candidate.name}: {self.matches} of {self.wanted} blob ids agree"
        return words if self.exact else f"{words}, {_files(self.failed)} not apply"


def choose_base(series: Series, tree: Tree) -> Base:
    """The base of a series in this tree; AnalyzerError (2) for a repository without commits.

    Exact hashes named by the mails come first; else the candidate branch that fits best. Whatever was named
    and is missing is a Problem NO_BASE.
    """
    if not tree.is_git:
        return _directory(series, tree)
    problems: list[Problem] = []
    refs = tree.refs()
    named = _named(series, tree, refs, problems)
    if named is not None:
        return Base(named.commit, named.name, tree.files_at(named.commit), tuple(problems))
    return _guess(series, tree, _candidates(series, tree, refs), problems)


def _directory(series: Series, tree: Tree) -> Base:
    problems = []
    if series.base.base_commit:
        detail = "the tree is a plain directory, so whether it is this base-commit cannot be told"
        problems.append(Problem(ProblemKind.NO_BASE, series.base.base_commit, detail))
    return Base("", "plain directory, no history", tree.worktree_files(), tuple(problems))


def _named(series: Series, tree: Tree, refs: tuple[Ref, ...], problems: list[Problem]) -> _Candidate | None:
    """What the mails name by hash, with the sentence that says so as its name."""
    hint = series.base
    base = hint.base_commit if tree.has_commit(hint.base_commit) else ""
    if hint.base_commit and not base:
        problems.append(Problem(ProblemKind.NO_BASE, hint.base_commit, "this base-commit is not in the clone"))
    if hint.prerequisite_patch_ids:
        found = _with_prerequisites(series, tree, refs, base)
        if found is not None:
            return found
        count = len(hint.prerequisite_patch_ids)
        detail = f"the {count} prerequisite patches are not in the searched history; files they change may not apply"
        problems.append(Problem(ProblemKind.NO_BASE, hint.prerequisite_patch_ids[0], detail))
    if base:
        return _Candidate(f"base-commit {base[:12]} is named in the mails", base)
    for commit in reversed(hint.prerequisite_commits):
        if tree.has_commit(commit):
            return _Candidate(f"prerequisite commit {commit[:12]} is named in the mails{_missing(series)}", commit)
        problems.append(Problem(ProblemKind.NO_BASE, commit, "this prerequisite commit is not in the clone"))
    return None


def _with_prerequisites(series: Series, tree: Tree, refs: tuple[Ref, ...], base: str) -> _Candidate | None:
    """The commit that completes the prerequisite patches, in the first branch that has all of them."""
    wanted = set(series.base.prerequisite_patch_ids)
    for branch in _branches(tree, refs):
        left = set(wanted)
        newest = ""
        for patch_id, commit in tree.patch_ids(branch.commit, base, _HISTORY):
            if patch_id in left:
                left.discard(patch_id)
                newest = newest or commit
        if not left:
            words = f"{newest[:12]} in {branch.name} completes the {len(wanted)} prerequisite patches the mails name"
            return _Candidate(words + ("" if base else _missing(series)), newest)
    return None


def _missing(series: Series) -> str:
    commit = series.base.base_commit
    return f"; base-commit {commit[:12]} is not in the clone" if commit else ""


def _guess(series: Series, tree: Tree, candidates: list[_Candidate], problems: list[Problem]) -> Base:
    """The candidate whose files are those of the series, or to which most of it applies."""
    wanted = _first_blobs(series)
    scores: list[_Score] = []
    for candidate in candidates:
        files = tree.files_at(candidate.commit)
        matches = sum((files.blob(path) or "").startswith(blob) for path, blob in wanted)
        score = _Score(candidate, matches, len(wanted))
        scores.append(score if score.exact else _Score(candidate, matches, len(wanted), _failures(series, files)))
        if score.exact:
            break
    if not scores:
        raise AnalyzerError(f"{tree.root} has no commits")
    best = max(scores, key=lambda score: (score.matches, -score.failed))  # the first of equals
    unknown = f"base-commit {series.base.base_commit[:12]} is not in the clone" if series.base.base_commit else ""
    none = unknown or "the mails name no base-commit"
    reason = f"{none}; of {', '.join(map(str, scores))}; {best.candidate.name} ({best.candidate.commit[:12]}) fits best"
    if not best.exact and not unknown:
        problems.append(Problem(ProblemKind.NO_BASE, series.title or series.id, reason))
    return Base(best.candidate.commit, reason, tree.files_at(best.candidate.commit), tuple(problems))


def _candidates(series: Series, tree: Tree, refs: tuple[Ref, ...]) -> list[_Candidate]:
    """Commits to try, best first, each once."""
    ordered = [*_below_series(series, tree), *_branches(tree, refs)]
    first: dict[str, _Candidate] = {}
    for candidate in ordered:
        first.setdefault(candidate.commit, candidate)
    return list(first.values())


def _branches(tree: Tree, refs: tuple[Ref, ...]) -> list[_Candidate]:
    out = []
    for name, pattern in _BRANCHES:
        out += [_Candidate(name, ref.commit) for ref in refs if not _is_tag(ref) and pattern.search(ref.name)]
    out += [_Candidate(ref.name.removeprefix("refs/tags/"), ref.commit) for ref in _mainline(refs)[:_TAGS]]
    head = tree.resolve("HEAD")
    out += [_Candidate("HEAD", head)] if head else []
    return [candidate for candidate in out if tree.has_commit(candidate.commit)]


def _is_tag(ref: Ref) -> bool:
    return ref.name.startswith("refs/tags/")


def _mainline(refs: Iterable[Ref]) -> list[Ref]:
    """Release and candidate tags of mainline, newest first; v7.0 is newer than v7.0-rc8."""

    def age(ref: Ref) -> tuple[int, int, int]:
        found = _MAINLINE.match(ref.name)
        major, minor, candidate = found.groups() if found else ("0", "0", "0")
        return int(major), int(minor), int(candidate) if candidate else 10**6

    return sorted((ref for ref in refs if _MAINLINE.match(ref.name)), key=age, reverse=True)


def _below_series(series: Series, tree: Tree) -> Iterator[_Candidate]:
    """The commit under the series, when HEAD's history holds its patches by title (an author's own branch)."""
    head = tree.resolve("HEAD")
    titles = [patch.title.strip() for patch in series.patches]
    if head is None or not titles:
        return
    log = tree.subjects(head, 2 * len(titles) + 50)
    for oldest in range(len(titles) - 1, len(log)):
        if [subject for _, subject in log[oldest - len(titles) + 1 : oldest + 1]] == titles[::-1]:
            below = tree.resolve(f"{log[oldest][0]}^")
            if below:
                yield _Candidate("the commit before the series in HEAD", below)
            return


def _first_blobs(series: Series) -> list[tuple[str, str]]:
    """(path, abbreviated blob id) of the files of the base that the series changes, by first touch."""
    made: set[str] = set()
    out: list[tuple[str, str]] = []
    for diff in _diffs(series):
        if diff.old is not None and diff.status is not FileStatus.ADDED and diff.old not in made:
            blob = diff.old_blob.lower()
            if len(blob) >= 7 and blob.strip("0"):
                out.append((diff.old, blob))
            made.add(diff.old)
        made.add(diff.path)
    return out


def _failures(series: Series, files: CommitFiles) -> int:
    """How many files of the series have a diff that does not apply."""
    overlay: dict[str, bytes | None] = {}
    failed: set[str] = set()
    for diff in _diffs(series):
        old = diff.path if diff.status is FileStatus.ADDED or diff.old is None else diff.old
        if diff.binary or old in failed:
            continue
        try:
            after = apply_file(overlay[old] if old in overlay else files.read(old), diff)
        except ApplyError:
            failed.add(diff.path)
            continue
        if diff.status in (FileStatus.RENAMED, FileStatus.DELETED):
            overlay[old] = None
        if diff.status is not FileStatus.DELETED:
            overlay[diff.path] = after
    return len(failed)


def _files(count: int) -> str:
    return f"{count} file does" if count == 1 else f"{count} files do"


def _diffs(series: Series) -> Iterator[FileDiff]:
    for patch in series.patches:
        for diff in patch.files:
            if all(is_safe(path) for path in (diff.old, diff.new) if path is not None):
                yield diff
