"""What a fuzz target is, and what every one of them is held to."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from edge_tosca.errors import EdgeToscaError

SECONDS = 10.0
"""Of the processor's time that one input may take; on a wall clock a busy machine would look like a hang."""

Change = Callable[[bytes, int, int], bytes]
"""Spoils an input in a way that its reader's first check does not see: (data, most bytes, seed) -> data."""

_MEMORY = Path("/dev/shm")


@dataclass(frozen=True)
class Target:
    """A reader of hostile bytes.

    Attributes:
        read: takes the bytes; returns, or raises an EdgeToscaError of one line.
        seeds: makes files that are in order, to be spoilt.
        change: what spoils them besides the fuzzer's own ways.
        words: that the format knows.
        most: bytes of the largest input.
    """

    read: Callable[[bytes], None]
    seeds: Callable[[], list[bytes]]
    change: Change | None = None
    words: tuple[bytes, ...] = field(default=())
    most: int = 1_000_000

    def run(self, data: bytes) -> None:
        """Read an input and hold the reader to its bounds.

        Raises:
            AssertionError: an error of more than one line was told, or it took too long.
        """
        start = time.process_time()
        try:
            self.read(data)
        except EdgeToscaError as error:
            if not str(error) or "\n" in str(error):
                raise AssertionError(f"the error is not one line: {error!r}") from None
        if (took := time.process_time() - start) > SECONDS:
            raise AssertionError(f"it took {took:.1f} seconds")


@contextlib.contextmanager
def file_of(name: str, data: bytes, beside: tuple[str, ...] = ()) -> Iterator[Path]:
    """Put bytes into a file in memory, and see that nothing is written beside it.

    Args:
        name: of the file.
        data: its content.
        beside: names that may lie there afterwards, too.

    Yields:
        The file's path.

    Raises:
        AssertionError: something else was written.
    """
    folder = Path(tempfile.mkdtemp(dir=_MEMORY if _MEMORY.is_dir() else None))
    try:
        path = folder / name
        path.write_bytes(data)
        yield path
        strange = {entry.name for entry in folder.iterdir()} - {name, *beside}
        if strange:
            raise AssertionError(f"files were written: {strange}")
    finally:
        shutil.rmtree(folder)
