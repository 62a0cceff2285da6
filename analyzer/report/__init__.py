"""Review to text: pure functions, one module a format; nothing is computed here, only said."""
