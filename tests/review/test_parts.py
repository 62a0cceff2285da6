"""Accepted changes of which a mail shows parts: what is not shown may end a retry, hold an error, or be older."""

from __future__ import annotations

from pathlib import Path

import pytest

from analyzer.core.finding import Finding, Severity
from analyzer.review import Options, review_series

HEAD = """From: A Developer <dev@example.org>
Date: Mon, 2 Nov 2026 10:00:00 +0000
Message-Id: <1@example.org>
Subject: [PATCH] KVM: Use the new names

The old ones go away.

Signed-off-by: A Developer <dev@example.org>
---
"""


def changed(path: str, *hunks: tuple[int, str, str]) -> str:
    """The diff of a file: each hunk by its first line, the section it names, and its lines."""
    text = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n"
    for start, section, lines in hunks:
        old, new = (sum(line[:1] in (" ", sign, "") for line in lines.splitlines()) for sign in "-+")
        text += f"@@ -{start},{old} +{start},{new} @@ {section}\n{lines}"
    return text


CASES = {
    "the rest of the failing branch is not shown": changed(
        "arch/x86/kvm/xen.c",
        (
            100,
            "int kvm_xen_peek(struct kvm_vcpu *v)",
            """ \tread_lock_irqsave(&gpc->lock, flags);
-\twhile (!gpc_check(gpc, sizeof(*vi))) {
+\twhile (!kvm_gpc_check(gpc, sizeof(*vi))) {
 \t\tread_unlock_irqrestore(&gpc->lock, flags);
 
-\t\tif (gpc_refresh(gpc, sizeof(*vi))) {
+\t\tif (kvm_gpc_refresh(gpc, sizeof(*vi))) {
 \t\t\t/*
 \t\t\t * Nothing is mapped there.
""",
        ),
    )
    + changed(
        "virt/kvm/pfncache.c",
        (
            300,
            "static int hva_to_pfn_retry(void)",
            """ }
 
-int gpc_refresh(struct gfn_to_pfn_cache *gpc, unsigned long len)
+int kvm_gpc_refresh(struct gfn_to_pfn_cache *gpc, unsigned long len)
 {
 \tif (!gpc->active)
 \t\treturn -EINVAL;
 \treturn 0;
 }
""",
        ),
    ),
    "a callee that says -1": changed(
        "arch/x86/kvm/x86.c",
        (600, "int kvm_add_slot(u32 msr)", " }\n+\n \n int kvm_find_slot(u32 msr)\n {\n"),
        (620, "int kvm_find_slot(u32 msr)", " \t}\n \treturn -1;\n }\n-EXPORT_SYMBOL_GPL(kvm_find_slot);\n"),
    )
    + changed(
        "arch/x86/kvm/vmx/tdx.c",
        (
            30,
            "",
            """ struct tdx_uret_msr {
 \tu32 msr;
 \tunsigned int slot;
+\tu64 defval;
 };
""",
        ),
        (
            900,
            "static int tdx_setup(struct tdx_uret_msr *m)",
            """ {
-\tm->slot = kvm_look(m->msr);
+\tm->slot = kvm_find_slot(m->msr);
 \tif (m->slot == -1)
 \t\treturn -EIO;
 \treturn 0;
 }
""",
        ),
    ),
    "what every architecture has": changed(
        "arch/x86/include/asm/pgtable.h",
        (
            50,
            "",
            " static inline int pte_write(pte_t pte)\n {\n-\treturn pte_flags(pte) & W;\n+\treturn pte.pte & W;\n }\n",
        ),
    )
    + changed(
        "virt/kvm/kvm_main.c",
        (
            700,
            "static int hva_to_pfn_remapped(pte_t *ptep)",
            """ {
+\tpte_t pte = ptep_get(ptep);
 
-\tif (!pte_write(*ptep))
+\tif (!pte_write(pte))
 \t\treturn -EFAULT;
 \treturn 0;
 }
""",
        ),
    ),
    "a kernel before mirror roots": changed(
        "arch/x86/kvm/mmu/tdp_mmu.c",
        (
            500,
            "",
            """ #define tdp_mmu_for_each_pte(_iter, _mmu, _start, _end)\t\t\\
 \tfor_each_tdp_pte(_iter, root_to_sp(_mmu->root.hpa), _start, _end)
 
""",
        ),
        (
            900,
            "int kvm_tdp_mmu_map(struct kvm_vcpu *vcpu, struct kvm_page_fault *fault)",
            """ {
 \tstruct kvm_mmu *mmu = vcpu->arch.mmu;
+\tstruct kvm *kvm = vcpu->kvm;
 \tstruct tdp_iter iter;
 
 \ttdp_mmu_for_each_pte(iter, mmu, fault->gfn, fault->gfn + 1) {
-\t\tif (zap(vcpu->kvm, &iter))
+\t\tif (zap(kvm, &iter))
 \t\t\tbreak;
 \t}
 \treturn 0;
 }
""",
        ),
    ),
}


def findings(tmp_path: Path, diffs: str) -> list[Finding]:
    """What is said of one mail without a tree, beside what is unused."""
    mail = tmp_path / "1.patch"
    mail.write_text(f"{HEAD}{diffs}-- \n2.43.0\n")
    found = review_series([mail], None, Options()).findings
    return [f for f in found if f.severity is not Severity.INFO and f.rule != "kvm-dead-code"]


@pytest.mark.parametrize("diffs", CASES.values(), ids=CASES)
def test_nothing_is_said(tmp_path: Path, diffs: str) -> None:
    assert findings(tmp_path, diffs) == []


def test_an_error_of_a_callee_that_is_shown_in_part_is_told(tmp_path: Path) -> None:
    told = CASES["a callee that says -1"].replace("return -1", "return -EINVAL")
    assert [f.rule for f in findings(tmp_path, told)] == ["kvm-errno-truncated"]
