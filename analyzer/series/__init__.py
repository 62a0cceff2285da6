"""Messages to Series."""
