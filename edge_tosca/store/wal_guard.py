"""Notice that a store's file was replaced, and keep the old one's log from being read into the new one.

SQLite finds a database's log by its name. A writer's changes stay in the log while somebody reads the store,
so whoever moves another file over it would have them mixed into that file. A log that is empty mixes nothing.
"""

import contextlib
from pathlib import Path

from edge_tosca.errors import StoreError
from edge_tosca.store.schema import BUSY_SECONDS
from edge_tosca.store.store import Store


class EmptyLog:
    """Empties a store's log after each new generation, without waiting for anybody.

    Args:
        store: that is read for a long time.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._emptied: int | None = None

    def look(self) -> tuple[int, int] | None:
        """Empty the log if there may be something in it.

        Returns:
            Which file it is; None where there is none.
        """
        latest = self._store.latest()
        if latest != self._emptied:
            # Another reader or writer may be at work: not now, then.
            self._store.query("PRAGMA busy_timeout = 0")
            try:
                ((busy, *_),) = self._store.query("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                self._store.query(f"PRAGMA busy_timeout = {round(1000 * BUSY_SECONDS)}")
            if not busy:
                self._emptied = latest
        with contextlib.suppress(StoreError):
            return identity(_log_of(self._store.path))
        return None


def refuse_log_of_another(path: Path, known: tuple[int, int] | None) -> None:
    """Make sure that a file that took a store's place is not opened with the old one's log.

    Args:
        path: of the store.
        known: the old one's log.

    Raises:
        StoreError: that log lies there and holds changes.
    """
    log = _log_of(path)
    if known is not None and log.exists() and identity(log) == known and log.stat().st_size:
        raise StoreError(
            f"{path} was replaced while {log.name} held changes of the file before it, which would be "
            f"mixed into this one; delete {log}, or put the old file back"
        )


def identity(path: Path) -> tuple[int, int]:
    """Say which file is found under a path.

    Args:
        path: of the file.

    Returns:
        Its device and inode.

    Raises:
        StoreError: there is none.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise StoreError(f"{path}: {(error.strerror or str(error)).lower()}; put the store back") from None
    return status.st_dev, status.st_ino


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")
