"""Compute the router and the sums of the live generation again, after they were damaged."""

from edge_tosca.learner.refit import refit
from edge_tosca.store.store import Store
from edge_tosca.system.blas import one_blas_thread


def solve(store: Store) -> int:
    """Compute the router and the sums of the live generation again from its cached features.

    Features, modules and the generation stay as they are. The audit log gets an entry "solve".

    Args:
        store: the store.

    Returns:
        The live generation.

    Raises:
        StoreError: the store cannot be written, or its features are damaged, too.
    """
    with one_blas_thread(), store.transaction():
        store.audit_log.set_command("solve")
        generation = store.latest()
        refit(store, generation)
    return generation
