"""Violations derived from clean code by semantic edits, and edits that must change nothing."""
