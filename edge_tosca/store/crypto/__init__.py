"""The encryption of a store's rows, and its keys."""
