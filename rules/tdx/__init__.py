"""Rules of the tdx area."""
