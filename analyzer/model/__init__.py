"""The runtime model of guest_memfd, mirror page tables and the TDX module: what goes wrong when a rule is broken."""
