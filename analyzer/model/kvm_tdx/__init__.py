"""The machine itself: KVM's mirror MMU, guest_memfd, the TDX module, the vCPUs and who else touches them."""
