"""Valid names of classes and tasks."""

import unicodedata

from edge_tosca.errors import LearnError

_LABEL_LIMIT = 200


def checked_label(label: str) -> str:
    """Accept a class name in any script, in one spelling.

    Args:
        label: as typed.

    Returns:
        The name in Unicode's composed form, without surrounding blanks.

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
    """Refuse a task's name that a store cannot keep.

    Args:
        task: as typed.

    Raises:
        LearnError: it holds bytes that are no text.
    """
    if any(unicodedata.category(character) == "Cs" for character in task):
        raise LearnError(f"the name of a task, {task[:40]!r}, is no text; choose a plain name")


def has_controls(name: str) -> bool:
    """Say whether a name has line ends or control characters, with which it could pass for another line.

    Args:
        name: of a class.
    """
    # Most names are printable at a glance; the joiners of some scripts are not, and control nothing.
    return not name.isprintable() and any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name)
