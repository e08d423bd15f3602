"""Turns between regions that wait for the backbone: whoever was served longest ago is first."""

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Turns(Generic[K]):
    """Round robin over a set that may change. Of n that always want a turn each gets one in n."""

    def __init__(self) -> None:
        self._served: dict[K, int] = {}
        self._count = 0

    def order(self, keys: Iterable[K]) -> list[K]:
        """Sort by the last turn; who never had one is first, and equals stay in their order.

        Args:
            keys: all that exist now; the turns of others are dropped.
        """
        present = list(keys)
        self._served = {key: self._served[key] for key in present if key in self._served}
        return sorted(present, key=lambda key: self._served.get(key, 0))

    def take(self, key: K) -> None:
        """Record a turn.

        Args:
            key: who has it.
        """
        self._count += 1
        self._served[key] = self._count
