"""The kernel votes of a generation's tasks: their pictures are read from the store when they first vote."""

from functools import partial

from edge_tosca.arrays import Array
from edge_tosca.classifier.kernel_vote import KernelVote, VoteWeight, may_vote
from edge_tosca.classifier.router import PartWeight, weighted_view
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.lru_cache import Cache
from edge_tosca.store.state import State
from edge_tosca.store.store import Store

_MOST_BYTES = 32 << 20


class CachedVotes:
    """Vote on pictures by tasks; what the last tasks' votes read, 32 MiB, stays in memory.

    Args:
        store: that holds the features.
        state: whose tasks are numbered.
    """

    def __init__(self, store: Store, state: State) -> None:
        self._tasks = state.tasks
        # Of store and state alone, see `NormalizedFeatures`.
        self._vote = Cache(partial(_read, store, state), _size, _MOST_BYTES)

    def opinion(self, task: int, z: Array, vote: VoteWeight, part_weight: PartWeight | None) -> Array | None:
        """Vote on pictures.

        Args:
            task: its place among `state.tasks`.
            z: features as the router reads them, float32 [n, d].
            vote: weight and sharpness.
            part_weight: by which the router weighs the parts of features.

        Returns:
            Log-probabilities of the task's groups up to a constant a picture, [n, k]; None for a task of too
            few pictures.
        """
        found = self.of(task, part_weight)
        return None if found is None else found.opinion(z, vote.sharpness)

    def of(self, task: int, part_weight: PartWeight | None) -> KernelVote | None:
        """Return what a task votes with.

        Args:
            task: its place among `state.tasks`.
            part_weight: by which the router weighs the parts of features.

        Returns:
            The vote; None for a task of too few pictures.
        """
        if not may_vote([group.images for group in self._tasks[task].groups]):
            return None
        return self._vote((task, part_weight))


def _read(store: Store, state: State, key: tuple[int, PartWeight | None]) -> KernelVote:
    task, part_weight = key
    groups = state.tasks[task].groups

    def cached(group: int) -> Array:
        return weighted_view(normalize(store.features(groups[group]), store.widths), part_weight)

    return KernelVote.of(cached, [group.images for group in groups])


def _size(vote: KernelVote) -> int:
    return vote.nbytes
