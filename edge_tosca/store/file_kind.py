"""What kind of file lies where a store is looked for, found out without breaking anybody's locks.

A process that closes a file loses all its POSIX locks on it, SQLite's among them, whoever opened it ("How To
Corrupt An SQLite Database File", section 2.2). A console has several connections to one store; had one of
them lost its lock, another process would take itself for the last one, and delete the log under the rest.
So a database is only ever opened by SQLite, and read as bytes where SQLite says that it is none.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal

from edge_tosca.errors import StoreError

_LARGEST_PAGE = 1 << 16


def kind_of_file(path: Path) -> Literal["nothing", "zeros", "stranger", "database"]:
    """Look at a file.

    Args:
        path: where a store may be.

    Returns:
        "nothing" where there is no file or an empty one; "zeros" for one page of zeros, as a power cut leaves
        that took the first page before it was on the disk; "stranger" for what is no database of SQLite.

    Raises:
        StoreError: it may not be read.
    """
    try:
        if not path.is_file() or not path.stat().st_size:
            return "nothing"
    except OSError as error:
        raise StoreError(f"{path} cannot be read ({error.strerror}); name another, or allow it") from None
    if not os.access(path, os.R_OK):
        raise StoreError(f"{path} cannot be read (Permission denied); name another, or allow it")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            zeros = path.stat().st_size <= _LARGEST_PAGE and not any(path.read_bytes())
            return "zeros" if zeros else "stranger"
    return "database"
