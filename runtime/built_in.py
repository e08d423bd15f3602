"""The two bundles that ship with edge-tosca, by name.

They have one backbone: `fast` sees 224 pixels, `accurate` 288. The graph is filed once, in the first.
"""

import os
from pathlib import Path

_BUNDLES = Path(__file__).parent / "bundles"

DEFAULT_BUNDLE = _BUNDLES / "efficientnet_lite0"
ACCURATE_BUNDLE = _BUNDLES / "efficientnet_lite0_288"

BUILT_IN = {"fast": DEFAULT_BUNDLE, "accurate": ACCURATE_BUNDLE}
"""Folders of the built-in bundles."""


def bundle_folder(name: str | os.PathLike[str] | None) -> Path | None:
    """Return the folder of a bundle by its name or path.

    Args:
        name: "fast" or "accurate" for a built-in one, otherwise a folder, or a store's setting `bundle`. A
            folder of such a name is given as ./accurate.

    Returns:
        The folder; None where no name is given, which stands for the default.
    """
    text = "" if name is None else os.fspath(name)
    return BUILT_IN.get(text, Path(text)) if text else None


def bundle_setting(folder: Path | None) -> str:
    """Return how a store records its bundle; the inverse of `bundle_folder`.

    Args:
        folder: of the bundle; None for the default.

    Returns:
        Nothing for the default bundle, the name of the other built-in one, which may be installed elsewhere
        the next time, and the absolute path of any other.
    """
    if folder is None or folder == DEFAULT_BUNDLE:
        return ""
    return "accurate" if folder == ACCURATE_BUNDLE else str(folder.absolute())
