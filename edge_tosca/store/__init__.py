"""The store of a learner, one SQLite file: records, generations, encryption and an audit log."""

from edge_tosca.store.store import Store as Store
