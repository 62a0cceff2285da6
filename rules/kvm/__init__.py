"""Rules of the kvm area."""
