"""A least-recently-used cache, limited in bytes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Values by key; the least recently used ones are dropped first."""

    def __init__(self, read: Callable[[K], V], size: Callable[[V], int], most: int) -> None:
        """Create an empty cache.

        Args:
            read: computes the value of a key.
            size: returns the bytes of a value.
            most: bytes of all values; the newest one is kept whatever its size.
        """
        self._read, self._size, self._most = read, size, most
        self._values: OrderedDict[K, V] = OrderedDict()
        self._bytes = 0

    def __call__(self, key: K) -> V:
        """Return the value of a key; it is read if it is not in the cache.

        Args:
            key: of the value.

        Returns:
            The value.
        """
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key]
        value = self._read(key)
        self._values[key] = value
        self._bytes += self._size(value)
        while self._bytes > self._most and len(self._values) > 1:
            self._bytes -= self._size(self._values.popitem(last=False)[1])
        return value
