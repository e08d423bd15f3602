"""The one family of errors a user of edge-tosca can meet."""


class EdgeToscaError(Exception):
    """An error that its reader can act on: one line that names the file, what is wrong and the remedy."""


class BundleError(EdgeToscaError):
    """A backbone bundle is missing, damaged or of an unknown format."""


class PictureError(EdgeToscaError):
    """A picture cannot be read."""


class StoreError(EdgeToscaError):
    """A store is missing, damaged, of an unknown format, or made with another backbone."""


class PackError(EdgeToscaError):
    """A class pack or a key of one cannot be read, is not trusted, or does not fit the store."""


class NameTakenError(PackError):
    """A class of a pack has the name of one that the store knows.

    Attributes:
        label: the name.
    """

    def __init__(self, message: str, label: str) -> None:
        super().__init__(message)
        self.label = label


class CameraError(EdgeToscaError):
    """A camera cannot be opened, or was lost."""


class CameraEndedError(CameraError):
    """A file of frames has been read to its end, or has none; there is nothing to wait for."""


class LearnError(EdgeToscaError):
    """What was shown cannot be learned from."""


class MissingExtraError(EdgeToscaError):
    """A verb needs an optional dependency that is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; this needs: pip install 'edge-tosca[{extra}]'")


def what_and_remedy(error: EdgeToscaError) -> tuple[str, str]:
    """Part an error's line into what is wrong and what to do.

    Args:
        error: any of the family; the remedy is what its message ends with.

    Returns:
        What is wrong, and the remedy; empty where the message names none.
    """
    what, _, remedy = str(error).rpartition("; ")
    return (what, remedy) if what else (remedy, "")


def printable(text: str) -> str:
    """Show what cannot be shown in a name as escapes, so that no name passes for a line of ours.

    Args:
        text: with names from outside.

    Returns:
        The same in one line, without control characters.
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def in_one_line(error: Exception) -> str:
    """Give the message of an error that quotes what a stranger wrote.

    Args:
        error: of a library.

    Returns:
        At most 200 characters, without line ends and control characters.
    """
    words = "".join(c if c.isprintable() else " " for c in str(error)).split()
    return " ".join(words)[:200]
