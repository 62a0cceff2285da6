"""What stands at the gate of a tree: the findings that its maintainers have accepted."""
