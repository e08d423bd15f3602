"""The errors that a user of edge-tosca can get, one family."""

from pathlib import Path


class EdgeToscaError(Exception):
    """Base of all errors: one line that names the file, what is wrong and what to do."""


class BundleError(EdgeToscaError):
    """A backbone bundle is missing, damaged or of an unknown format."""


class PictureError(EdgeToscaError):
    """A picture cannot be read."""


class StoreError(EdgeToscaError):
    """A store is missing, damaged, of an unknown format, or was made with another backbone."""


class ReadOnlyStoreError(StoreError):
    """A store is on media that cannot be written: it can be read, and not changed."""


class PackError(EdgeToscaError):
    """A class pack or its key cannot be read, is not trusted, or does not fit the store."""


class NameTakenError(PackError):
    """A class of a pack has the name of a class in the store.

    Attributes:
        label: the name.
    """

    def __init__(self, message: str, label: str) -> None:
        super().__init__(message)
        self.label = label


class FleetError(EdgeToscaError):
    """A fleet, an invitation, or a message of a fleet cannot be used."""


class CameraError(EdgeToscaError):
    """A camera cannot be opened, or was disconnected."""


class CameraEndedError(CameraError):
    """A file of frames has been read to its end, or has none; no further frame will come."""


class LearnError(EdgeToscaError):
    """The classes, pictures or settings cannot be learned from."""


class NothingLearnedError(LearnError):
    """A store knows no class yet.

    Args:
        path: of the store.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} knows no class yet; teach it with: edge-tosca learn")


class MissingExtraError(EdgeToscaError):
    """An optional dependency that is needed is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; this needs: pip install 'edge-tosca[{extra}]'")


def what_and_remedy(error: EdgeToscaError) -> tuple[str, str]:
    """Split the message of an error into what is wrong and what to do.

    Args:
        error: any of the family; its remedy follows the last "; ".

    Returns:
        What is wrong, and the remedy; "" where the message names none.
    """
    what, _, remedy = str(error).rpartition("; ")
    return (what, remedy) if what else (remedy, "")


def printable(text: str) -> str:
    """Escape what is not printable in untrusted text, so that it cannot imitate other lines of output.

    Args:
        text: with untrusted names.

    Returns:
        The text in one line, without control characters.
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def in_one_line(error: Exception) -> str:
    """Return the message of a library's error, which may quote untrusted input, in one line.

    Args:
        error: raised by a library.

    Returns:
        At most 200 characters, without line ends and control characters.
    """
    words = "".join(c if c.isprintable() else " " for c in str(error)).split()
    return " ".join(words)[:200]
