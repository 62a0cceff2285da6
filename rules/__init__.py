"""The rules, one file each, and the vocabulary they share."""
