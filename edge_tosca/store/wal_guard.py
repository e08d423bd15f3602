"""Notice that the file of a store was replaced, and keep the old file's log from being read into the new one.

SQLite finds the log of a database by its name. Changes stay in the log while another process reads the store.
If another file is moved over the store, SQLite would mix them into that file. An empty log mixes nothing.
"""

from pathlib import Path

from edge_tosca.errors import StoreError
from edge_tosca.store.location import log_of
from edge_tosca.store.store import Store
from edge_tosca.system.files import file_identity


class EmptyLog:
    """Empties the log of a store after each new generation, without waiting for other processes.

    Args:
        store: that is read for a long time.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._emptied: int | None = None

    def look(self) -> tuple[int, int] | None:
        """Empty the log if there may be something in it.

        Returns:
            Device and inode of the log; None where there is none.
        """
        latest = self._store.latest()
        if latest != self._emptied and self._store.checkpoint():
            self._emptied = latest
        return file_identity(log_of(self._store.path))


def refuse_log_of_another(path: Path, known: tuple[int, int] | None) -> None:
    """Refuse a file that replaced a store, while the log of the old file is beside it.

    Args:
        path: of the store.
        known: device and inode of the old file's log.

    Raises:
        StoreError: that log is there and holds changes.
    """
    log = log_of(path)
    if known is not None and file_identity(log) == known and log.stat().st_size:
        raise StoreError(
            f"{path} was replaced while {log.name} held changes of the file before it, which would be "
            f"mixed into this one; delete {log}, or put the old file back"
        )


def store_identity(path: Path) -> tuple[int, int]:
    """Return which file the path of a store names.

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
