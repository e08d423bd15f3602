"""Hostile files: whatever is in them, a reader tells one line or reads them, within bounds."""
