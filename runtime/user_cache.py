"""Where the runtime may keep what it can make again: the user's cache directory, never the working one."""

import os
from pathlib import Path


def cache_folder(name: str) -> Path | None:
    """Make a folder of ours in the user's cache directory.

    Args:
        name: of the folder.

    Returns:
        The folder; None where there is none to be had, as on a box with a read-only home.
    """
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(base) / "edge-tosca" / name
        folder.mkdir(parents=True, exist_ok=True)
    # Path.home raises RuntimeError for a user without a home.
    except (OSError, RuntimeError):
        return None
    return folder
