"""Encryption of a store's rows, and the keys for it."""
