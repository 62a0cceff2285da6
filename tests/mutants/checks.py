"""Wrappers that give up before the SEAMCALL without a word (tdx-silent-sanity-check)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import cycle

from tests.kernel.edits import Edit
from tests.kernel.places import CHECKS, WRAPPERS
from tests.mutants.sources import Mutant, Operator, Same, Site, Sources

SEAMCALL = r"^\t(?:ret = |return )seamcall(?:_ret)?\([^;]*;"
# {t} the test, {c} the code.
SILENT: dict[str, str] = {
    "if": "if ({t})\n\t\treturn {c};",
    "message": 'if ({t}) {{\n\t\tpr_debug("bad argument\\n");\n\t\treturn {c};\n\t}}',
    "braces": "if ({t}) {{\n\t\treturn {c};\n\t}}",
    "not": "if (!({t}))\n\t\tcpu_relax();\n\telse\n\t\treturn {c};",
    "variable": "u64 code = {c};\n\n\tif ({t})\n\t\treturn code;",
    "nested": "if (boot_cpu_data.x86) {{\n\t\tif ({t})\n\t\t\treturn {c};\n\t}}",
    "switch": (
        "switch (boot_cpu_data.x86_vendor) {{\n\tcase X86_VENDOR_INTEL:\n\t\tbreak;\n\tdefault:\n\t\treturn {c};\n\t}}"
    ),
}
CODES = ("TDX_OPERAND_INVALID", "TDX_SW_ERROR", "TDX_OPERAND_INVALID | TDX_OPERAND_ID_RCX")
TESTS = ("!boot_cpu_data.x86_phys_bits", "!tdx_module_state.initialized", "in_nmi()")


def silent(sources: Sources) -> Iterator[Mutant]:
    """Each wrapper, each shape in turn."""
    shapes, codes, tests = cycle(SILENT.items()), cycle(CODES), cycle(TESTS)
    for site in sources.sites(WRAPPERS, SEAMCALL, r"tdh_\w+"):
        for _ in range(2):
            (name, shape), code, test = next(shapes), next(codes), next(tests)
            edit = site.replaced(f"\t{shape.format(t=test, c=code)}\n\n{site.matched}")
            yield Mutant(CHECKS, f"silent {name}", (edit,), ((WRAPPERS, site.function),))


def in_helper(sources: Sources) -> Iterator[Mutant]:
    """A helper checks without a word, and the wrapper hands its code on."""
    helper = "static u64 tdx_check(void)\n{\n\tif (in_nmi())\n\t\treturn TDX_OPERAND_INVALID;\n\n\treturn 0;\n}\n\n"
    for site in sources.sites(WRAPPERS, SEAMCALL.replace("(?:ret = |return )", "ret = "), r"tdh_\w+"):
        edit = site.replaced(f"\tret = tdx_check();\n\tif (ret)\n\t\treturn ret;\n\n{site.matched}")
        due = ((WRAPPERS, site.function), (WRAPPERS, "tdx_check"))
        yield Mutant(CHECKS, "silent helper", (Edit(WRAPPERS, edit.old, helper + edit.new),), due)


OPERATORS: tuple[Operator, ...] = (silent, in_helper)


def _loud(site: Site, test: str, code: str) -> str:
    return f"\tif (WARN_ON_ONCE({test}))\n\t\treturn {code};\n\n{site.matched}"


def loud(sources: Sources) -> Iterator[Same]:
    """The same checks with a warning; the outputs are written first."""
    tests = cycle(TESTS)
    for site in sources.sites(WRAPPERS, SEAMCALL, r"tdh_\w+"):
        stores = re.findall(r"^\t(\*\w+) = args", site.text, re.M)
        zero = "".join(f"\t{s} = 0;\n" for s in stores)
        yield Same("loud check", (site.replaced(zero + _loud(site, next(tests), "TDX_SW_ERROR")),))


SAME: tuple[Callable[[Sources], Iterator[Same]], ...] = (loud,)
