"""Keep what was read lately, up to a number of bytes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Values by key; those that were not asked for the longest give way first."""

    def __init__(self, read: Callable[[K], V], size: Callable[[V], int], most: int) -> None:
        """Make an empty cache.

        Args:
            read: makes the value of a key.
            size: bytes of a value.
            most: bytes of all values; the newest one is kept whatever its size.
        """
        self._read, self._size, self._most = read, size, most
        self._values: OrderedDict[K, V] = OrderedDict()
        self._bytes = 0

    def __call__(self, key: K) -> V:
        """Give the value of a key, read anew if it is not kept.

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
