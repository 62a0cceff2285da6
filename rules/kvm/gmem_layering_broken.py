"""Common KVM code does the work of one architecture, or knows of it.

guest_memfd and kvm_main serve every architecture: what TDX, SNP or the TDP MMU need at an invalidation or a conversion
goes through a kvm_arch_*() hook, and the details stay below it. A call from virt/kvm into code of one architecture
breaks the build or the meaning of the others, and makes each change of a vendor a change of the common file.
mmu_lock is taken in guest_memfd to start or end an invalidation only: what else is done under it belongs to the MMU.

Add or use a kvm_arch_*() hook, and do the work behind it.

May be false: what architectures implement by contract under other names is a list; a new common API is not on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from analyzer.author import (
    Call,
    Certainty,
    Facts,
    Finding,
    Function,
    Location,
    Provenance,
    Rule,
    Severity,
    Step,
    Verb,
    calls_between,
    covers,
    lock_calls,
    shown,
    step,
)
from rules.vocabulary.layers import COMMON, CONTRACT, INVALIDATING, OF_KVM, WORD, names_vendor, vendor_word

SCOPE = COMMON
GMEM = ("virt/kvm/guest_memfd.[ch]",)
HELPERS = ("virt/kvm/kvm_m*", "include/linux/kvm*.h")  # what is done for guest_memfd elsewhere
WEAK = ("virt/kvm/guest_memfd.c", "virt/kvm/kvm_main.c")
Key = tuple[str, str]


def _in(path: str, patterns: tuple[str, ...]) -> bool:
    return covers(patterns, path)


def _foreign(facts: Facts, name: str, path: str) -> Key | None:
    """The definition in an architecture that a name means, if it is defined nowhere else."""
    if not name or name in CONTRACT or name.startswith(("kvm_arch_", "__kvm_arch_")):
        return None
    if name not in facts.program.by_name:
        return None
    keys = facts.program.by_name[name]
    if any(not k[0].startswith("arch/") for k in keys):
        return None
    found = next((k for k in keys if facts.program.definitions[k].kind == "function" and covers(OF_KVM, k[0])), None)
    return found if found is not None and (vendor_word(name) or name in _declared(facts)) else None


def _declared(facts: Facts) -> frozenset[str]:
    """What the headers of architectures declare; that a common one does, too, makes it no hook."""

    def make() -> frozenset[str]:
        plain = (p for p in facts.program.prototypes() if not p.defined or p.path.endswith(".h"))
        return frozenset(p.name for p in plain if p.path.startswith("arch/"))

    return facts.solve("declared by architectures", make)


def _calls(facts: Facts, function: Function) -> Iterator[tuple[Call, str, Key | None]]:
    """The calls of a common function that leave the common layer, with what they name."""
    for call in function.calls():
        name = call.callee or call.table
        if not name or name.startswith("%"):
            continue
        target = _foreign(facts, call.callee, function.path) if call.callee else None
        if target is not None or (vendor_word(name) and not _static(facts, name, function.path)):
            yield call, name, target


def _static(facts: Facts, name: str, path: str) -> bool:
    """Whether a name is a private helper of the same file, to be judged by what it does, unless it names a vendor."""
    found = facts.program.definitions.get((path, name))
    return found is not None and found.static and not names_vendor(name)


def _named(facts: Facts) -> Iterator[Finding]:
    """Calls into code of one architecture."""
    program = facts.program
    for found in facts.functions:
        key = found.key
        if not _in(key[0], SCOPE):
            continue
        facts.count("functions of common code looked at")
        if not any(vendor_word(m) or _foreign(facts, m, key[0]) for m in found.mentions):
            continue
        function = program.lower(key)
        told: set[str] = set()
        for call, name, target in _calls(facts, function) if function is not None else ():
            if function is not None and name not in told:
                told.add(name)
                yield _call_finding(facts, function, call, name, target)


def _call_finding(facts: Facts, function: Function, call: Call, name: str, target: Key | None) -> Finding:
    trace = [step(function, call, f"calls {name}()")]
    if target is not None:
        line = facts.program.definitions[target].line
        trace.append(Step(Location(target[0], line), target[1], "is defined in code of one architecture"))
    where = f"of {target[0]}" if target is not None else "of one architecture"
    what = "is named after one vendor" if name.startswith("kvm_arch_") else "is no kvm_arch_*() hook"
    words = f"common code calls {name}() {where}, which {what}"
    return facts.finding(function, call, f"calls {name}", words, trace=tuple(trace))


def _written(facts: Facts, called: set[tuple[str, int]]) -> Iterator[Finding]:
    """Names of one vendor in the text of common files, beyond the calls."""
    program = facts.program
    for path in sorted(p for p in program.files if _in(p, ("virt/kvm/*.[ch]",))):
        told: set[tuple[str, str]] = set()
        for number, word in _vendor_words(program.code(path)):
            if (path, number) in called or _static(facts, word, path):
                continue
            around = [d for k, d in program.definitions.items() if k[0] == path and d.line <= number <= d.end_line]
            inside = min((d.line, d.name) for d in around)[1] if around else ""
            if (inside, word) not in told:
                told.add((inside, word))
                yield _word_finding(facts, path, number, inside, word)


@lru_cache(maxsize=256)
def _vendor_words(text: str) -> tuple[tuple[int, str], ...]:
    """The words of a file, outside of strings, that name a vendor, and the headers of one, with their lines."""
    found: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        if _CHEAP.search(line):
            header = _HEADER.match(line)
            found += [(number, header.group(1))] if header else []
            found += [(number, w) for w in WORD.findall(_STRING.sub("", line)) if vendor_word(w)]
    return tuple(found)


_CHEAP = re.compile(
    r"tdx|sept|tdp|mirror|vmx|svm|sev|snp|vmc[sb]|seam|hkid|pamt|rmp|tdh|ept|npt|split|cross|x86|tdr"
    r"|external|arch/",
    re.I,
)
_HEADER = re.compile(r'\s*#\s*include\s+"((?:\.\./)*arch/\w+/[^"]*)"')
_STRING = re.compile(r'"[^"]*"')


def _word_finding(facts: Facts, path: str, number: int, inside: str, word: str) -> Finding:
    weak = inside == word and facts.program.definitions[path, inside].weak
    what = "a weak default for one architecture is defined" if weak else "common code names one architecture"
    at = Location(path, number)
    trace = (Step(at, inside, f"names {word}"),)
    return Finding(at, inside, f"names {word}", f"{what}: {word}", Certainty.MUST, trace)


def _weak(facts: Facts, told: set[tuple[str, str]]) -> Iterator[Finding]:
    """Weak defaults that one architecture overrides and that are no kvm_arch_*() hook."""
    for key, found in sorted((k, d) for k, d in facts.program.definitions.items() if d.weak):
        if not _in(key[0], WEAK) or key[1].startswith("kvm_arch_") or key[1] in CONTRACT:
            continue
        others = {k[0].split("/")[1] for k in facts.program.by_name[key[1]] if k[0].startswith("arch/")}
        if len(others) == 1 and (key[0], key[1]) not in told:
            at = Location(key[0], found.line)
            words = f"the weak default {key[1]}() is there for {others.pop()} alone and is no kvm_arch_*() hook"
            yield Finding(at, key[1], f"weak {key[1]}", words, Certainty.MUST, (Step(at, key[1], "is weak"),))


def _locks(facts: Facts) -> Iterator[Finding]:
    """Sections of mmu_lock in guest_memfd that are no invalidation."""
    for function in facts.in_files(lambda p: _in(p, GMEM)):
        for call, way in _sections(facts, function, 0):
            facts.count("sections of mmu_lock in guest_memfd looked at")
            if way is None:
                continue
            words = "guest_memfd takes mmu_lock for something else than the start or the end of an invalidation"
            yield facts.finding(function, call, "takes mmu_lock", words, trace=way)


def _sections(facts: Facts, function: Function, depth: int) -> Iterator[tuple[Call, tuple[Step, ...] | None]]:
    """Where mmu_lock is taken, here or in a helper of common code, with the steps if no invalidation follows."""
    for call in _takes(facts, function):
        inside = calls_between(facts.program, facts.vocabulary, function, call, "mmu_lock")
        fine = any(_invalidates(facts, c, function.path, 0) for c in inside)
        yield (
            call,
            None if fine else (step(function, call, f"{shown(call)}, and no invalidation before it is released"),),
        )
    if depth >= 2:
        return
    for call in function.calls():
        if call.callee in INVALIDATING or call.callee.startswith("kvm_arch_"):
            continue
        for key in facts.program.resolve(call.callee, function.path) if call.callee else ():
            helper = facts.program.lower(key) if _in(key[0], HELPERS) else None
            if helper is None or "mmu_lock" not in _words(facts, key) or helper.kind != "function":
                continue
            for inner, way in _sections(facts, helper, depth + 1):
                after = calls_between(facts.program, facts.vocabulary, function, call, "mmu_lock")
                if way is not None and not any(_invalidates(facts, c, function.path, 0) for c in after):
                    yield call, (step(function, call, f"calls {helper.name}()"), *way)
                elif way is None:
                    yield inner, None


def _takes(facts: Facts, function: Function) -> Iterator[Call]:
    """The calls that begin a section, by themselves or in a helper that leaves the lock held."""
    if not _for_its_caller(facts, function):
        yield from lock_calls(facts.program, facts.vocabulary, function, "mmu_lock", Verb.ACQUIRE)
    for call in function.calls():
        keys = facts.program.resolve(call.callee, function.path) if call.callee else ()
        helpers = facts.program.functions(k for k in keys if _in(k[0], (*GMEM, *HELPERS)) and k != function.key)
        if any(_for_its_caller(facts, helper) for helper in helpers):
            yield call


def _for_its_caller(facts: Facts, function: Function) -> bool:
    """Whether a function takes mmu_lock and leaves it to its caller to release."""
    takes, releases = (
        any(lock_calls(facts.program, facts.vocabulary, function, "mmu_lock", verb))
        for verb in (Verb.ACQUIRE, Verb.RELEASE)
    )
    return takes and not releases


def _words(facts: Facts, key: Key) -> frozenset[str]:
    mentions = facts.program.definitions[key].mentions
    return mentions | {"mmu_lock"} if not mentions.isdisjoint(("KVM_MMU_LOCK", "mmu_lock")) else mentions


def _invalidates(facts: Facts, call: Call, path: str, depth: int) -> bool:
    if call.callee in INVALIDATING or call.callee.startswith("kvm_arch_"):
        return True
    keys = facts.program.resolve(call.callee, path) if call.callee and depth < 2 else ()
    functions = [f for k in keys if _in(k[0], GMEM) and (f := facts.program.lower(k)) is not None]
    return any(_invalidates(facts, c, k.path, depth + 1) for k in functions for c in k.calls())


def check(facts: Facts) -> Iterator[Finding]:
    """Calls, names, weak defaults, and sections of mmu_lock."""
    called = list(_named(facts))
    yield from called
    written = list(_written(facts, {(f.location.path, f.location.line) for f in called}))
    calls = {(f.location.path, f.function, f.subject.split()[-1]) for f in called}
    written = [f for f in written if (f.location.path, f.function, f.subject.split()[-1]) not in calls]
    yield from written
    yield from _weak(facts, {(f.location.path, f.function) for f in written})
    yield from _locks(facts)


RULE = Rule(
    id="kvm-gmem-layering-broken",
    catalog=11,
    severity=Severity.ERROR,
    scope=SCOPE,
    check=check,
    provenance=(
        Provenance("mail", "aXqQFo9S-UVMYfn-@google.com", "Sean Christopherson", "2026-01-28", "hooks, not knowledge"),
    ),
    bad=(
        """
        // path: virt/kvm/guest_memfd.c
        static long kvm_gmem_convert(struct kvm *kvm, struct kvm_gfn_range *range)
        {
                return kvm_split_cross_boundary_leafs(kvm, range);  // expect "no kvm_arch_*() hook"
        }
        """,
        """
        // path: virt/kvm/guest_memfd.c
        static void kvm_gmem_walk(struct kvm *kvm, gfn_t start)
        {
                KVM_MMU_LOCK(kvm);  // expect "takes mmu_lock"
                kvm_gmem_visit(kvm, start);
                KVM_MMU_UNLOCK(kvm);
        }
        """,
    ),
    good=(
        """
        // path: virt/kvm/guest_memfd.c
        static long kvm_gmem_convert(struct kvm *kvm, struct kvm_gfn_range *range)
        {
                return kvm_arch_gmem_convert(kvm, range);
        }
        """,
        """
        // path: virt/kvm/guest_memfd.c
        static void kvm_gmem_walk(struct kvm *kvm, gfn_t start)
        {
                KVM_MMU_LOCK(kvm);
                kvm_mmu_invalidate_start(kvm);
                kvm_mmu_invalidate_range_add(kvm, start, start + 1);
                kvm_gmem_visit(kvm, start);
                kvm_mmu_invalidate_end(kvm);
                KVM_MMU_UNLOCK(kvm);
        }
        """,
    ),
)
