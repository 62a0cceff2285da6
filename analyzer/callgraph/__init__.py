"""Program to calls."""
