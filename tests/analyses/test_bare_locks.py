"""A lock whose name says nothing is known by its struct; in mails alone there are structs that are not shown."""

from __future__ import annotations

import pytest

from analyzer.analyses.lockfields import LockFields
from tests.analyses.made import program

TEXT = """
struct irqfds {
	spinlock_t lock;
};

struct cache {
	spinlock_t pages_lock;
};

void takes(struct ioapic *ioapic, struct irqfds *fds, struct other *other)
{
	spin_lock(&ioapic->lock);
	spin_lock(&fds->lock);
	spin_lock(&unknown()->lock);
	spin_lock(&unknown()->pages_lock);
}
"""


@pytest.mark.parametrize("alone", [True, False])
def test_which_lock_is_meant(alone: bool) -> None:
    made = program(TEXT, "virt/kvm/a.c")
    made.alone = alone
    fields = LockFields(made, {"spinlock_t": "spin"})
    function = made.lower(("virt/kvm/a.c", "takes"))
    assert function is not None
    taken = [c.args[0] for c in function.calls() if c.callee == "spin_lock"]
    owners = [[lock.owner for lock in fields.meant(expr, function)] for expr in taken]
    if alone:
        assert owners == [[], ["irqfds"], [], ["cache"]]
        assert (fields.spins("lock"), fields.spins("pages_lock")) == (None, True)
    else:
        assert owners == [["irqfds"], ["irqfds"], ["irqfds"], ["cache"]]
        assert (fields.spins("lock"), fields.spins("pages_lock")) == (True, True)
