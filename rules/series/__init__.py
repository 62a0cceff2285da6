"""Rules of the series area."""
