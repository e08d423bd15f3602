"""One SQLite file per learner: records, generations, encryption and an audit log."""

from edge_tosca.store.store import Store as Store
