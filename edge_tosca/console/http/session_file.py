"""Keep the sessions of signed-in phones in a file beside the store, so that a sign-out outlives a restart."""

import contextlib
import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from edge_tosca.errors import StoreError
from edge_tosca.system.files import IrregularFileError, open_regular, write_atomically

SUFFIX = ".sessions"
MOST_SESSIONS = 256
"""The one that was not used for longest makes room for the next."""

_FORMAT = 1
_MOST_BYTES = 1 << 20

_log = logging.getLogger("edge_tosca.console")


@dataclass(frozen=True)
class Session:
    """One signed-in phone or browser.

    Attributes:
        id: names the session to the administrator; it admits no one.
        secret: sha256 (hex) of the cookie's value.
        token: HMAC (hex) of the token under the cookie's value: a new token ends the session.
        name: of the user at the sign-in.
        role: of the user at the sign-in.
        began: Unix time of the sign-in.
        seen: Unix time of a recent request.
        expires: Unix time of the end.
        client: address at the sign-in.
        agent: the browser's description of itself.
    """

    id: str
    secret: str
    token: str
    name: str
    role: str
    began: int
    seen: int
    expires: int
    client: str
    agent: str


class SessionFile:
    """The sessions by the hash of their cookies; several servers of one store share the file."""

    def __init__(self, store: Path | None) -> None:
        """Name the file; it is read when it is needed.

        Args:
            store: file of the learner; None keeps the sessions in memory.
        """
        resolved = None if store is None else os.path.realpath(store)
        self._path = None if resolved is None else Path(resolved + SUFFIX)
        self._sessions: dict[str, Session] = {}
        self._read_at: tuple[int, int] | None = None

    def all(self) -> dict[str, Session]:
        """Return the sessions, the oldest first."""
        if self._path is not None:
            with contextlib.suppress(OSError):
                status = self._path.stat()
                if (status.st_ino, status.st_mtime_ns) != self._read_at:
                    self._sessions = self._read(self._path)
                    self._read_at = status.st_ino, status.st_mtime_ns
        return self._sessions

    def change(self, change: Callable[[dict[str, Session]], None]) -> None:
        """Change the sessions, in memory and in the file.

        Args:
            change: called with the present sessions, which it changes.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._locked():
            sessions = dict(self.all())
            change(sessions)
            while len(sessions) > MOST_SESSIONS:
                del sessions[min(sessions, key=lambda one: sessions[one].seen)]
            self._sessions = sessions
            if self._path is not None:
                self._write(self._path, sessions)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        if self._path is None:
            yield
            return
        try:
            folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError:
            yield
            return
        try:
            # Held for milliseconds, by another server of the same folder.
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _write(self, path: Path, sessions: dict[str, Session]) -> None:
        content = {"format": _FORMAT, "sessions": [asdict(one) for one in sessions.values()]}
        try:
            write_atomically(path, lambda file: file.write(json.dumps(content, indent=1).encode()))
            status = path.stat()
        except OSError as error:
            raise StoreError(
                f"{path}: the sessions cannot be written ({error.strerror}); make the folder writable"
            ) from None
        self._read_at = status.st_ino, status.st_mtime_ns

    @staticmethod
    def _read(path: Path) -> dict[str, Session]:
        try:
            with open_regular(path, _MOST_BYTES) as file:
                os.fchmod(file.fileno(), 0o600)
                content = json.loads(file.read())
            found = [Session(**one) for one in content["sessions"]]
            times = [time for one in found for time in (one.began, one.seen, one.expires)]
            if content["format"] != _FORMAT or not all(type(time) is int for time in times):
                raise ValueError("not a list of sessions")
            return {str(one.secret): one for one in found}
        except (OSError, IrregularFileError, ValueError, LookupError, TypeError, RecursionError):
            _log.warning(f"{path.name} cannot be read; everyone has to sign in again")
            return {}
