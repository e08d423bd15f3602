"""The two bundles that ship with edge-tosca, by name.

They have one backbone: `fast` sees 224 pixels, `accurate` 288. The graph is filed once, in the first.
"""

import os
from pathlib import Path

_BUNDLES = Path(__file__).parent / "bundles"

DEFAULT_BUNDLE = _BUNDLES / "efficientnet_lite0"
ACCURATE_BUNDLE = _BUNDLES / "efficientnet_lite0_288"

_ACCURATE = "accurate"

BUILT_IN = {"fast": DEFAULT_BUNDLE, _ACCURATE: ACCURATE_BUNDLE}
"""Folders of the built-in bundles."""


def bundle_folder(name: str | os.PathLike[str] | None) -> Path | None:
    """Return the folder of a bundle by its name or path.

    Args:
        name: "fast" or "accurate" for a built-in one, otherwise a folder, or a store's setting `bundle`. A
            folder of such a name is given by its absolute path.

    Returns:
        The folder; None where no name is given, which stands for the default.
    """
    text = "" if name is None else os.fspath(name)
    return BUILT_IN.get(text, Path(text)) if text else None


def bundle_setting(name: str | os.PathLike[str] | None) -> str:
    """Return how a store records its bundle.

    Args:
        name: as for `bundle_folder`.

    Returns:
        Nothing for the default bundle; "accurate" for the other built-in one, whose folder another
        installation has elsewhere; the absolute path of any other.
    """
    folder = bundle_folder(name)
    if folder is None or folder.absolute() == DEFAULT_BUNDLE:
        return ""
    return _ACCURATE if folder.absolute() == ACCURATE_BUNDLE else str(folder.absolute())
