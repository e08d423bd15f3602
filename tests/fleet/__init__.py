"""Fleets under faults: what boxes answer, what an erasure leaves, what attacks get, what it costs."""
