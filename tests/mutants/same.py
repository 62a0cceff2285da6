"""Edits that keep the meaning, made by pattern over whole files: no rule may say anything new of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from tests.kernel.edits import Edit
from tests.kernel.places import GMEM, MAIN, MMU, SPTE, TDP, TDX, WRAPPERS
from tests.mutants.sources import Operator, Same, Sources

FILES = (TDX, WRAPPERS, TDP, MMU, GMEM, SPTE, MAIN)
OPERATORS: tuple[Operator, ...] = ()
# An if without braces that leaves, and a statement behind it in the same block.
LEAVES = re.compile(r"^(\t+)if \(([^\n{}]*)\)\n\1\t(return[^;\n]*;|goto \w+;|continue;)\n(?=\n?\1(?!else\b)\w)", re.M)
ONE_LINE = re.compile(r"^(\t+)if \(([^\n{}]*)\)\n\1\t([^\n;{}]*;)\n(?!\1else)", re.M)
LOCAL = re.compile(r"^\t(?:u64|int|bool|gpa_t|gfn_t|kvm_pfn_t|struct \w+ \*) ?(\w+)(?=;| = )", re.M)
Change = Callable[[str], str]


def renamed_locals(text: str) -> str:
    """Each local variable gets another name."""
    body = text.index("{\n")
    for name in set(LOCAL.findall(text[body:])):
        if not re.search(rf"(?:->|\.)\s*{name}\b|\b{name}:|#.*\b{name}\b|\"[^\"\n]*\b{name}\b", text):
            text = re.sub(rf"(?<![\w.>])\b{name}\b", f"the_{name}", text)
    return text


def inverted(text: str) -> str:
    """Leave in the else branch."""
    return LEAVES.sub(r"\1if (!(\2)) {\n\1\t;\n\1} else {\n\1\t\3\n\1}\n", text)


def braces(text: str) -> str:
    """Braces around single statements."""
    return ONE_LINE.sub(r"\1if (\2) {\n\1\t\3\n\1}\n", text)


def jumped(text: str) -> str:
    """A goto over the statement that leaves."""
    count = iter(range(1000))

    def one(match: re.Match[str]) -> str:
        tabs, cond, leave = match.groups()
        label = f"past_{next(count)}"
        return f"{tabs}if (!({cond}))\n{tabs}\tgoto {label};\n{tabs}{leave}\n{label}:\n{tabs};\n"

    return text if "switch (" in text else LEAVES.sub(one, text)


def commented(text: str) -> str:
    """Comments and blank lines between statements."""
    return re.sub(r"(?<=;\n)(?=\t(?:if|for|\w+\())", "\n\t/* write_lock(&kvm->mmu_lock); pfn_to_page(pfn) */\n", text)


def joined(text: str) -> str:
    """Lines that were wrapped stand on one."""
    return re.sub(r"(?<=[,(&|=])\n\t+ *(?=[^\s/*])", " ", text)


def kept_result(text: str) -> str:
    """A result is kept in a variable before it is returned."""
    if not re.match(r"(?:static )?int \w+\(", text):
        return text
    return re.sub(
        r"^(\t+)return (\w+\([^;{}]*\));$",
        r"\1{\n\1\tint the_result = \2;\n\n\1\treturn the_result;\n\1}",
        text,
        flags=re.M,
    )


def bracketed(text: str) -> str:
    """Brackets around conditions."""
    return re.sub(r"\bif \(((?:[^()\n{}]|\([^()\n]*\))*)\)\n", r"if ((\1))\n", text)


def likely(text: str) -> str:
    """Hints for the compiler."""
    return re.sub(r"^(\t+)if \(([^\n{}]*)\)\n(?=\1\treturn)", r"\1if (unlikely(\2))\n", text, flags=re.M)


CHANGES: tuple[Change, ...] = (
    renamed_locals, inverted, braces, jumped, commented, joined, kept_result, bracketed, likely,
)  # fmt: skip


def over_files(sources: Sources) -> Iterator[Same]:
    """Each change over all functions of each file."""
    for path in FILES:
        whole = sources.text(path)
        for change in CHANGES:
            new = whole
            for text in sources.functions(path).values():
                new = new.replace(text, change(text))
            if new != whole:
                yield Same(f"{change.__name__} in {path.rsplit('/', 1)[-1]}", (Edit(path, whole, new),))


# Static functions on the paths that the rules follow; none is known by name.
STATIC = {
    TDX: ("tdx_sept_map_leaf_spte", "tdx_sept_remove_leaf_spte", "tdx_mem_page_aug", "tdx_sept_map_nonleaf_spte"),
    TDP: (
        "handle_changed_spte",
        "tdp_mmu_zap_leafs",
        "tdp_mmu_map_handle_target_level",
        "tdp_mmu_split_huge_pages_root",
    ),
    MMU: ("kvm_mmu_faultin_pfn_gmem", "kvm_gmem_max_mapping_level", "__kvm_mmu_zap_all_fast_front_half"),
    GMEM: ("__kvm_gmem_invalidate_start", "kvm_gmem_punch_hole", "__kvm_gmem_get_pfn"),
    WRAPPERS: ("tdx_clflush_pfn", "mk_keyed_paddr", "tdx_tdr_pa"),
}


def renamed_functions(sources: Sources) -> Iterator[Same]:
    """Another name for a static function; one more parameter; its body in a function of its own."""
    for path, names in STATIC.items():
        whole = sources.text(path)
        for name in names:
            if name not in sources.functions(path):
                continue
            word = rf"(?<![\w.>])(?<!__){name}\b"
            yield Same(f"{name} renamed", (Edit(path, whole, re.sub(word, f"do_{name}", whole)),))
            more = re.sub(rf"{word}\((?=(?:struct|u16|u64|gfn_t|kvm_pfn_t|enum) )", f"{name}(int unused, ", whole)
            more = re.sub(rf"{word}\((?!int unused)", f"{name}(0, ", more)
            yield Same(f"{name} with a parameter more", (Edit(path, whole, more),))
            yield from _split(path, name, sources.functions(path)[name])


def _split(path: str, name: str, text: str) -> Iterator[Same]:
    """A function that hands on to its old body."""
    heading = re.match(rf"((?:static |inline |__always_inline )*)([\w ]+?[ *])\b{name}\(([^{{]*)\)\n\{{", text)
    if heading is None:
        return
    kind, returns, params = heading.groups()
    passed = ", ".join(re.findall(r"(\w+)(?=,|$)", " ".join(params.split())))
    back = "" if returns.strip() == "void" else "return "
    inner = text.replace(f"{name}(", f"inner_{name}(", 1)
    outer = f"{kind}{returns}{name}({params})\n{{\n\t{back}inner_{name}({passed});\n}}"
    yield Same(f"{name} split in two", (Edit(path, text, f"{inner}\n\n{outer}"),))


SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = (over_files, renamed_functions)
