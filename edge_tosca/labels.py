"""Valid names of classes and tasks, and names that are easily mistaken for each other."""

import unicodedata
from collections.abc import Iterable

from edge_tosca.errors import LearnError

_LABEL_LIMIT = 200

RESERVED = frozenset({"unknown", "none", "unavailable"})
"""Words for "no class": of this program's answers, and of Home Assistant's states."""

NONE_LABEL = " none"
"""Stands in a store and a pack where other pictures have their class, for pictures of "none of these". No
class can have it: names have no blanks around them."""

_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# Visible to nobody, and not of category Cf: fillers of Hangul, Khmer vowels, the blank Braille pattern.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")

# Letters of Cyrillic and Greek, and digits, that look like Latin letters: a selection from Unicode Technical
# Standard 39, confusables.txt, in lower case.
_LOOKALIKES = str.maketrans(
    "\u0430\u0432\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u0455\u0456\u0458\u04bb"
    "\u0501\u051b\u051d\u03b1\u03b5\u03b9\u03ba\u03bd\u03bf\u03c1\u03c4\u03c5\u03c701|",
    "abekmhopctyxsijhdqwaeikvoptuxoll",
)


def normalized_label(label: str) -> str:
    """Normalise the name of a class that may exist already, in any script.

    Args:
        label: as typed.

    Returns:
        The name in Unicode's composed form (NFC), without surrounding blanks.

    Raises:
        LearnError: it is empty, too long, has control characters, or is not text.
    """
    name = unicodedata.normalize("NFC", label).strip()
    if not name or len(name) > _LABEL_LIMIT:
        raise LearnError(f"class name {label[:40]!r} must have 1 to {_LABEL_LIMIT} characters")
    if any(unicodedata.category(character) == "Cs" for character in name):
        raise LearnError(f"class name {label[:40]!r} is not text in UTF-8; type it in a UTF-8 terminal")
    if has_controls(name):
        raise LearnError(f"class name {label[:40]!r} has control characters; choose a plain name")
    return name


def checked_label(label: str, known: Iterable[str] = ()) -> str:
    """Check and normalise the name of a new class, in any script.

    Args:
        label: as typed.
        known: names that are in use; each of them stays allowed.

    Returns:
        The name as `normalized_label` returns it.

    Raises:
        LearnError: as `normalized_label`; also if the name is invisible, has bidirectional controls, or is
            reserved.
    """
    name = normalized_label(label)
    if name in set(known):
        return name
    if all(character.isspace() or _is_invisible(character) for character in name):
        raise LearnError(f"class name {label[:40]!r} has no visible character; choose a plain name")
    if not _BIDI_CONTROLS.isdisjoint(name):
        raise LearnError(
            f"class name {label[:40]!r} has characters that change the direction of text; choose a plain name"
        )
    if _visible(name).casefold() in RESERVED:
        raise LearnError(
            f"class name {label[:40]!r} is reserved: answers and Home Assistant use it for pictures of no "
            "class; choose another name"
        )
    return name


def require_distinct(name: str, known: Iterable[str], *, new_class: bool = False) -> None:
    """Raise an error if a new name is easily mistaken for a known one.

    Args:
        name: of the new class.
        known: names in use, with the other new ones.
        new_class: the caller states that the class is new: case and look-alike letters may be the difference.

    Raises:
        LearnError: the names differ only in invisible characters, or (without `new_class`) only in case or in
            letters that look alike.
    """
    others = list(known)
    if name in others:
        return
    visible = _visible(name)
    for other in others:
        if _visible(other) == visible:
            raise LearnError(
                f"class name {name!r} differs from {other!r} only in invisible characters; use {other!r}"
            )
    likely = None if new_class else similar_label(name, others)
    if likely is not None:
        raise LearnError(
            f"class name {name!r} looks like {likely!r}; use {likely!r}, or say that the class is new with "
            "--new-class (new_class)"
        )


def similar_label(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that differs only in case, blanks or look-alike letters; None if there is none.

    Args:
        name: of a class.
        known: names of other classes.
    """
    shape = _shape(name)
    return next((other for other in known if other != name and _shape(other) == shape), None)


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


def _is_invisible(character: str) -> bool:
    # Cf: zero-width blanks and joiners, marks of direction, tags. Variation selectors are marks (Mn).
    return (
        unicodedata.category(character) == "Cf"
        or character in _INVISIBLE
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )


def _visible(name: str) -> str:
    return "".join(character for character in name if not _is_invisible(character)).strip()


def _shape(name: str) -> str:
    """Reduce a name to its look, without letter case and the width of blanks."""
    plain = unicodedata.normalize("NFKC", _visible(name)).lower()
    return " ".join(plain.split()).translate(_LOOKALIKES)
