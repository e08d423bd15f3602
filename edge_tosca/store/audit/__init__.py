"""The audit log: a hash chain over all changes, with the provenance of each."""
