"""Keep the cameras that were added in the console, in a file beside the store, beyond a restart."""

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from edge_tosca.errors import StoreError
from edge_tosca.system.files import IrregularFileError, open_regular, write_atomically

SUFFIX = ".cameras"

_FORMAT = 1
_MOST_BYTES = 1 << 16

_log = logging.getLogger("edge_tosca.console")


class AddedCameras:
    """Name and address of each camera that was added in the console.

    An address may hold a password, so the file is readable by its owner alone (mode 0600), is in no backup
    and no pack, and its content is in no message.
    """

    def __init__(self, store: Path) -> None:
        """Name the file; it is read when it is needed.

        Args:
            store: file of the learner.
        """
        self._path = Path(os.path.realpath(store) + SUFFIX)

    def read(self) -> dict[str, str]:
        """Return name to address, in the order of adding; none where the file cannot be read."""
        try:
            with open_regular(self._path, _MOST_BYTES) as file:
                os.fchmod(file.fileno(), 0o600)
                content = json.loads(file.read())
            if content["format"] != _FORMAT:
                raise ValueError("of another format")
            return {str(name): str(content["added"][name]) for name in content["added"]}
        except FileNotFoundError:
            return {}
        except (OSError, IrregularFileError, ValueError, LookupError, TypeError, RecursionError):
            _log.warning(f"{self._path.name} cannot be read; cameras added in the console are missing")
            return {}

    def add(self, name: str, address: str) -> None:
        """Keep one.

        Args:
            name: of the camera.
            address: as it was given.

        Raises:
            StoreError: the file cannot be written.
        """
        self._write({**self.read(), name: address})

    def remove(self, name: str) -> None:
        """Remove one, if it is among them.

        Args:
            name: of the camera.

        Raises:
            StoreError: the file cannot be written.
        """
        added = self.read()
        if added.pop(name, None) is not None:
            self._write(added)

    def _write(self, added: Mapping[str, str]) -> None:
        content = json.dumps({"format": _FORMAT, "added": added}, indent=1).encode()
        try:
            write_atomically(self._path, lambda file: file.write(content))
        except OSError as error:
            raise StoreError(
                f"{self._path}: the cameras cannot be written ({error.strerror}); make the folder writable"
            ) from None
