"""Normalised features of a generation's groups, read from the store and cached."""

from functools import partial

from edge_tosca.arrays import Array
from edge_tosca.features.normalization import normalize
from edge_tosca.learner.lru_cache import Cache
from edge_tosca.store.state import State, TaskClass
from edge_tosca.store.store import Store

_MOST_BYTES = 8 << 20


class NormalizedFeatures:
    """Return a group's normalised features by its index; the last 8 MiB read stay in memory.

    Args:
        store: that holds the features.
        state: whose groups are numbered.
    """

    def __init__(self, store: Store, state: State) -> None:
        self._groups, self._store = state.groups, store
        # Of the store alone: a method of this object would make a reference cycle, and features of earlier
        # generations would stay in memory until Python's next full collection.
        self._read = Cache(partial(_read, store), _size, _MOST_BYTES)

    def __call__(self, index: int) -> Array:
        """Return the features of a group.

        Args:
            index: its place among `state.groups`.

        Returns:
            float32 [n, d].
        """
        return self._read(self._groups[index])

    def first_part(self, index: int) -> Array:
        """Return the first part of a group's features, of unit length: by which pictures are compared.

        Args:
            index: its place among `state.groups`.

        Returns:
            float32 [n, d_1].
        """
        return self._store.first_part(self(index))


def _read(store: Store, group: TaskClass) -> Array:
    return normalize(store.features(group), store.widths)


def _size(array: Array) -> int:
    return array.nbytes
