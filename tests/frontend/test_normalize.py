"""Kernel C to what the parser reads: each rewriting, and that nothing ever moves."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analyzer.frontend.normalize import normalize
from analyzer.frontend.parser import parse

TOKENS = """{ } ( ) [ ] ; : , . ... ? = == -> * & | # ## \\ " ' /* */ // "s" 'c' \n \n} \n{ \t if else for while do
switch case default: return goto x y 4K 0x1 struct enum union static int unsigned long typeof __typeof__ sizeof offsetof
#define #if #ifdef #else #elif #endif #include __init __user __must_hold __printf __attribute__ EXPORT_SYMBOL_GPL
DEFINE_MUTEX TRACE_EVENT module_param for_each_slot list_for_each_entry scoped_guard guard kmalloc_obj asm volatile
asm_goto_output asm_safe vmx_asm1 ASM_CALL_CONSTRAINT FNAME __alignof__ struct const VMCS_CASE64""".split(" ")
SOUP = st.lists(st.sampled_from([t for chunk in TOKENS for t in re.split(r"(?<!\\)\n(?=\w)", chunk)]), max_size=80)


def in_body(statement: str) -> str:
    return f"int f(void)\n{{\n\t{statement}\n}}\n"


def reads(text: str) -> bool:
    return not parse(normalize(text.encode()).text).root_node.has_error


@given(SOUP, st.sampled_from(["", " ", "\n", "\t"]))
@settings(max_examples=400, deadline=None)
def test_nothing_moves(tokens: list[str], between: str) -> None:
    source = between.join(tokens).encode()
    normal = normalize(source)
    assert len(normal.text) == len(normal.code) == len(source)
    assert [n for n, c in enumerate(normal.text) if c == 10] == [n for n, c in enumerate(source) if c == 10]


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_no_bytes_are_refused(source: bytes) -> None:
    normal = normalize(source)
    assert len(normal.text) == len(source)
    assert normal.text.count(b"\n") == source.count(b"\n")
    assert parse(normal.text).root_node.end_byte <= len(source)


@pytest.mark.parametrize(
    "text",
    [
        "static int __init __must_check f(void __user *p) { return 0; }",
        "static __printf(1, 2) void f(const char *fmt, ...) { }",
        "static void f(struct x *x) __must_hold(&x->lock)\n{\n}",
        "struct x { int a __aligned(8); } __packed;",
        'static int x __section(".data") __read_mostly = 3;',
        "EXPORT_SYMBOL_GPL(f)\nint f(void) { return 0; }",
        "static DEFINE_MUTEX(lock);\nstatic DEFINE_PER_CPU(struct x *, y);",
        'MODULE_LICENSE("GPL");\nmodule_param(n, int, 0444);',
        "SOME_FILE_MACRO(a, b)\nint f(void) { return 0; }",
        "TRACE_EVENT(e,\n\tTP_PROTO(int a),\n\tTP_fast_assign(__entry->a = a;)\n);",
        "int FNAME(walk)(int x) { return FNAME(next)(x); }",
        in_body("switch (x) { case 1 ... 4: return 1; case A...B: break; }"),
        "int f(void)\n{\n\tswitch (x) {\n\tVMCS_CASE64(FIELD):\n\t\treturn 1;\n\t}\n}\n",
        in_body("g(a, b, );"),
        in_body("g(4K, x);"),
        in_body("x = __alignof__(struct y);"),
        in_body("x = offsetof(struct y, z.w[3]);"),
        in_body("p = container_of(q, struct y, z);"),
        in_body("p = kzalloc_obj(struct y, GFP_KERNEL);"),
        in_body("x = g(a, struct y *, unsigned long, bool);"),
        in_body("x = min_t(typeof(a->b), a->b, 3);"),
        in_body("typeof(*a->b) *c = a->b;"),
        in_body("__typeof__(g(x)) y = (g(x));"),
        in_body("for_each_slot(m, s) { g(s); }"),
        in_body("for_each_slot(m, s)\n\t\tg(s);"),
        in_body("list_for_each_entry_rcu(a, &b->c, d, lock_held(&b->l)) if (a) break;"),
        in_body("scoped_guard(mutex, &m->lock) { g(m); }"),
        in_body("if (x)\n\t\tg();\n\telse for_each_slot(m, s) {\n\t\tg(s);\n\t}"),
        in_body('asm volatile("1: nop\\n" _ASM_EXTABLE(1b, 2b) : "=a" (x) : "b" (y) : "memory");'),
        in_body('asm_goto_output("nop" : "=a" (x) : : : fail);\nfail:\n\treturn 0;'),
        in_body('asm volatile(MACRO(1) : "+r" (x), ASM_CALL_CONSTRAINT : [y] "r" (y));'),
        in_body('vmx_asm1(vmptrld, "m"(a), b, c);'),
        "#define A(x) \\\n\tdo { \\\n\t} while (0)\n#include <a.h>\nint f(void) { return 0; }",
        '/* a "string" { */ int x; // } \nchar *y = "/* no comment */";',
    ],
)
def test_each_rewriting_makes_the_text_readable(text: str) -> None:
    assert reads(text)


def test_comments_are_blanked_and_strings_kept() -> None:
    normal = normalize(b'a /* x\ny */ b "/* c */" // d\n')
    assert normal.code == b'a     \n     b "/* c */"     \n'


def test_directives_stay_in_the_code_and_leave_the_text() -> None:
    normal = normalize(b"#define A 1\nint x;\n")
    assert normal.code == b"#define A 1\nint x;\n"
    assert normal.text == b"           \nint x;\n"


def test_a_conditional_inside_a_body_becomes_two_arms() -> None:
    source = b"int f(void)\n{\n\tint x;\n#ifdef A\n\ta();\n#else\n\tb();\n#endif\n\treturn 0;\n}\n"
    normal = normalize(source)
    opening = source.index(b"#ifdef")
    assert normal.conditionals == {opening}
    assert bytes(normal.text[opening : opening + 1]) == b"{"
    assert normal.text[source.index(b"#else") :].startswith(b"}{")
    assert normal.text[source.index(b"#endif") :].startswith(b"}")
    assert normal.dropped == []


def test_an_arm_that_cuts_a_statement_is_dropped_and_told() -> None:
    source = b"int f(void)\n{\n#ifdef A\n\tif (a())\n#else\n\tif (b())\n#endif\n\t\tc();\n\treturn 0;\n}\n"
    normal = normalize(source)
    assert normal.conditionals == set()
    assert b"a()" in normal.text
    assert b"b()" not in normal.text
    assert normal.dropped == [(6, 6)]


@pytest.mark.parametrize("directive", [b"#if 0", b"#ifdef __ASSEMBLER__"])
def test_what_is_never_compiled_is_blanked(directive: bytes) -> None:
    normal = normalize(directive + b"\n.macro x\n#else\nint y;\n#endif\n")
    assert b"macro" not in normal.text
    assert b"int y;" in normal.text


def test_block_macros_are_remembered() -> None:
    source = in_body("scoped_guard(rcu) { }\n\tfor_each_slot(m, s)\n\t\tg(s);\n\twhile (x) { }").encode()
    normal = normalize(source)
    assert sorted(normal.blocks.values()) == ["for_each_slot", "scoped_guard"]
    assert all(normal.text[at : at + 5] == b"while" for at in normal.blocks)


def test_a_for_each_call_that_is_no_loop_stays() -> None:
    assert normalize(in_body("kvm_for_each_thing(a, b);").encode()).blocks == {}


def test_bodies_known_from_elsewhere() -> None:
    source = b"int f(void) { g();\n#ifdef A\n\ta();\n#endif\n} int h(void) { }\n"
    assert normalize(source).conditionals == set()
    assert normalize(source, [(1, 5)]).conditionals == {source.index(b"#ifdef")}


def test_carriage_returns_and_nuls_are_blanks() -> None:
    assert normalize(b"int x;\r\n\0int y;\n").text == b"int x; \n int y;\n"
