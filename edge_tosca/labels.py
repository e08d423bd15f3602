"""Valid names of classes and tasks."""

import unicodedata

from edge_tosca.errors import LearnError

_LABEL_LIMIT = 200


def checked_label(label: str) -> str:
    """Check and normalise a class name, in any script.

    Args:
        label: as typed.

    Returns:
        The name in Unicode's composed form (NFC), without surrounding blanks.

    Raises:
        LearnError: it is empty, too long, or has control characters.
    """
    name = unicodedata.normalize("NFC", label).strip()
    if not name or len(name) > _LABEL_LIMIT:
        raise LearnError(f"class name {label[:40]!r} must have 1 to {_LABEL_LIMIT} characters")
    if has_controls(name):
        raise LearnError(f"class name {label[:40]!r} has control characters; choose a plain name")
    return name


def require_text(task: str) -> None:
    """Raise an error if the name of a task is not valid Unicode text.

    Args:
        task: as typed.

    Raises:
        LearnError: it holds surrogates, which a store cannot keep.
    """
    if any(unicodedata.category(character) == "Cs" for character in task):
        raise LearnError(f"the name of a task, {task[:40]!r}, is no text; choose a plain name")


def has_controls(name: str) -> bool:
    """Return whether a name has line ends or control characters, which could imitate other lines of output.

    Args:
        name: of a class.
    """
    # Most names are printable. The joiners of some scripts are not, and are no control characters either.
    return not name.isprintable() and any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name)
