"""Snapshot to Program; the only room that knows a parser."""
