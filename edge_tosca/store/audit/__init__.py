"""The audit log: a hash chain over every change, and the provenance of each."""
