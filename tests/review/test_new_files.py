"""A series without a tree that adds a whole file: the file is known in full, who calls it is not."""

from __future__ import annotations

from pathlib import Path

from analyzer.core.finding import Certainty
from analyzer.review import Options, review_series

BODY = """int tdx_drop(struct kvm *kvm, struct kvm_tdx *tdx, gpa_t gpa)
{
\tu64 entry, state;

\tif (KVM_BUG_ON(tdh_mem_range_block(&tdx->td, gpa, PG_LEVEL_4K, &entry, &state), kvm))
\t\treturn -EIO;
\treturn tdx_finish(kvm, tdx, gpa);
}
"""
ADDED = "".join(f"+{line}\n" for line in BODY.splitlines())
MAIL = f"""From: A Developer <dev@example.org>
Date: Mon, 2 Nov 2026 10:00:00 +0000
Message-Id: <1@example.org>
Subject: [PATCH] KVM: TDX: Drop private pages

They have to go when memory is converted.

Signed-off-by: A Developer <dev@example.org>
---
diff --git a/arch/x86/kvm/vmx/tdx.c b/arch/x86/kvm/vmx/tdx.c
new file mode 100644
--- /dev/null
+++ b/arch/x86/kvm/vmx/tdx.c
@@ -0,0 +1,{len(BODY.splitlines())} @@
{ADDED}"""
RULE = "tdx-sept-op-without-write-lock"


def test_callers_that_are_not_shown_may_hold_the_lock(tmp_path: Path) -> None:
    tree, mail = tmp_path / "tree", tmp_path / "1.patch"
    for path in ("virt/kvm/kvm_main.c", "arch/x86/kvm/x86.c", "MAINTAINERS", "Makefile"):
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text("" if path == "MAINTAINERS" else "VERSION = 7\n")
    mail.write_text(MAIL)
    alone = review_series([mail], None, Options(rules=(RULE,)))
    assert all(f.certainty is Certainty.MAY for f in alone.findings)
    on_a_tree = review_series([mail], tree, Options(rules=(RULE,)))
    assert [f.certainty for f in on_a_tree.findings] == [Certainty.MUST]
