"""Back ends that explore a machine; all of them give the same counts."""
