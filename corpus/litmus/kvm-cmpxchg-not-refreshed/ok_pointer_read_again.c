// litmus: the pointer that is replaced is read again for each try
// path: virt/kvm/kvm_main.c
static void kvm_push(struct kvm *kvm, struct node *node)
{
	struct node *old;

	guard(rcu)();
	do {
		old = rcu_dereference(kvm->head);
		node->next = old;
	} while (cmpxchg(&kvm->head, old, node) != old);
}
