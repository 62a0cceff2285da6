"""What to track: held tokens, taint, typestate, uses of results."""
