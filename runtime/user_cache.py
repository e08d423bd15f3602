"""Locate the user's cache directory, for data that the runtime can compute again."""

import os
from pathlib import Path


def cache_folder(name: str) -> Path | None:
    """Create a folder for edge-tosca in the user's cache directory.

    Args:
        name: of the folder.

    Returns:
        The folder; None where it cannot be created, as on a device with a read-only home.
    """
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(base) / "edge-tosca" / name
        folder.mkdir(parents=True, exist_ok=True)
    # Path.home raises RuntimeError for a user without a home.
    except (OSError, RuntimeError):
        return None
    return folder
