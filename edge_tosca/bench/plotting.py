"""matplotlib, for files."""

from typing import Any

from edge_tosca.errors import MissingExtraError


def load_pyplot() -> Any:
    """Import matplotlib for files, without a display.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import matplotlib
    except ModuleNotFoundError:
        raise MissingExtraError("matplotlib", "demo") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot
