"""Find, make and open the SQLite file of a store, and tell in one line what stands in the way."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from edge_tosca.errors import StoreError
from edge_tosca.schema import APPLICATION_ID, BUSY_SECONDS, FORMAT, add_tables, connect
from edge_tosca.seals import Seals

_LARGEST_PAGE = 1 << 16


def create_file(path: Path, settings: dict[str, str]) -> sqlite3.Connection:
    """Make the file of a new store, its first seal included.

    Args:
        path: where; nothing, an empty file, or what an interrupted call left may be there.
        settings: of the store.

    Returns:
        A connection to it.

    Raises:
        StoreError: something is there already, or the folder cannot be written.
    """
    start = _start_of(path)
    if path.is_dir() or (start and not _unfinished(path)):
        raise StoreError(f"{path} exists already; open it, or choose another name")
    found = path.exists()
    try:
        with told(path):
            if start and _blank(path):
                os.truncate(path, 0)
            connection = connect(path)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            add_tables(connection)
            seals = Seals(connection)
            seals.begin()
            connection.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())
            seals.end(settings, "init")
            connection.execute("COMMIT")
    except StoreError:
        if not found:
            # A disk that failed once may fail here too; init takes what is left for unfinished.
            with contextlib.suppress(OSError):
                for suffix in ("", "-wal", "-shm"):
                    Path(f"{path}{suffix}").unlink(missing_ok=True)
        raise
    return connection


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file of a store that exists.

    Args:
        path: of the SQLite file.

    Returns:
        A connection to it.

    Raises:
        StoreError: there is none, it is something else, damaged, or of a newer format.
    """
    start = _start_of(path)
    if not start:
        raise StoreError(f"{path}: there is no store here; make one with: edge-tosca init {path}")
    if _blank(path):
        raise _interrupted(path)
    if start != b"SQLite format 3\0":
        raise StoreError(f"{path} is not a store of edge-tosca; name one that `init` made")
    with told(path):
        connection = connect(path)
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    if application != APPLICATION_ID:
        connection.close()
        if _unfinished(path):
            raise _interrupted(path)
        raise StoreError(f"{path} is a database of another program; name a store that `init` made")
    # An older one is read as it is; the first command that writes brings it up to date.
    if not 1 <= version <= FORMAT:
        raise StoreError(f"{path} has format {version}, this program reads {FORMAT}; update edge-tosca")
    return connection


@contextlib.contextmanager
def told(path: Path) -> Iterator[None]:
    """Tell what SQLite cannot do in one line that says what to do.

    Args:
        path: of the store, for the error.

    Raises:
        StoreError: the disk is full, another writer held the store too long, or the file is damaged.
    """
    try:
        yield
    except sqlite3.OperationalError as error:
        reason = _in_one_line(error)
        if "locked" in reason:
            raise StoreError(
                f"{path}: another process has been writing for {BUSY_SECONDS:.0f} seconds; try again"
            ) from None
        if "full" in reason:
            raise StoreError(
                f"{path}: the disk is full; nothing was changed; make room and try again"
            ) from None
        if "unable to open" in reason or "readonly" in reason:
            folder = path.parent if os.fspath(path.parent) else Path()
            raise StoreError(f"{path} cannot be written ({reason}); check that {folder} allows it") from None
        raise StoreError(f"{path}: {reason}; nothing was changed") from None
    except sqlite3.DatabaseError as error:
        reason = _in_one_line(error)
        raise StoreError(f"{path} is not a readable store ({reason}); restore a copy, or init anew") from None
    # What Python makes of a message of SQLite that quotes bytes of a damaged schema.
    except UnicodeDecodeError:
        raise StoreError(f"{path} is not a readable store; restore a copy, or init anew") from None


def _start_of(path: Path) -> bytes:
    try:
        if not path.is_file():
            return b""
        with path.open("rb") as file:
            return file.read(16)
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}); name another, or allow it") from None


def _interrupted(path: Path) -> StoreError:
    return StoreError(f"{path}: making this store was interrupted; run again: edge-tosca init {path}")


def _blank(path: Path) -> bool:
    """Tell whether a file is one page of zeros: a power cut took the first page before it was on the disk."""
    return path.stat().st_size <= _LARGEST_PAGE and not any(path.read_bytes())


def _unfinished(path: Path) -> bool:
    """Tell whether a database is what an interrupted `create` left: without any table."""
    if _blank(path):
        return True
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            return not connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.Error:
        return False


def _in_one_line(error: sqlite3.Error) -> str:
    """SQLite quotes what it does not understand, line ends and control characters included."""
    words = "".join(c if c.isprintable() else " " for c in str(error)).split()
    return " ".join(words)[:200]
