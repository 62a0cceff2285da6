"""A file that a series changes is read before the series, too, wherever in the tree it is."""

from __future__ import annotations

from pathlib import Path

from analyzer.review import Options, review_series

OLD = "static inline void mask_set(int bits)\n{\n\tnote(bits);\n}\n"
HEADER = "arch/x86/include/asm/mask.h"  # not among the files that are read by default
MAIL = f"""From: A Developer <dev@example.org>
Date: Mon, 2 Nov 2026 10:00:00 +0000
Message-Id: <1@example.org>
Subject: [PATCH] x86: widen the mask

The callers have a long, so that bits were lost.

Signed-off-by: A Developer <dev@example.org>
---
diff --git a/{HEADER} b/{HEADER}
--- a/{HEADER}
+++ b/{HEADER}
@@ -1,4 +1,4 @@
-static inline void mask_set(int bits)
+static inline void mask_set(unsigned long bits)
 {{
 \tnote(bits);
 }}
"""


def test_a_function_with_another_heading_is_no_new_one(tmp_path: Path) -> None:
    tree, mail = tmp_path / "tree", tmp_path / "1.patch"
    files = {HEADER: OLD, "virt/kvm/kvm_main.c": "int x;\n", "MAINTAINERS": "", "Makefile": "VERSION = 7\n"}
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
    mail.write_text(MAIL)
    review = review_series([mail], tree, Options(rules=("kvm-dead-code",)))
    assert [p for p in review.problems if "apply" in p.detail] == []
    assert review.findings == ()
    fresh = mail.with_name("2.patch")
    fresh.write_text(MAIL.replace("-static inline void mask_set(int bits)\n", "").replace("-1,4 +1,4", "-1,3 +1,4"))
    (tree / HEADER).write_text("{\n\tnote(bits);\n}\n")
    assert [f.function for f in review_series([fresh], tree, Options(rules=("kvm-dead-code",))).findings] == [
        "mask_set"
    ]
