"""Recorded traces against the rules: verdicts with the history of each entry, and what to record."""
