"""Check what a learner is given: classes, features and class names."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.errors import LearnError
from edge_tosca.labels import checked_label, normalized_label, require_distinct

_LISTED = 10


def require_features(classes: Mapping[str, Array], dimensions: int) -> None:
    """Raise for features that the learner's backbone cannot have computed.

    Args:
        classes: label to features.
        dimensions: d, the width of a feature of the backbone.

    Raises:
        LearnError: a label is not a valid class name, or features are not of shape [n, d] or not finite.
    """
    for label, rows in classes.items():
        if normalized_label(label) != label:
            raise LearnError(f"class name {label[:40]!r} has blanks around it or is not in composed form")
        if rows.ndim != 2 or rows.shape[1] != dimensions:
            raise LearnError(f"features of {label!r} have shape {list(rows.shape)}, not [n, {dimensions}]")
        if not np.isfinite(rows).all():
            raise LearnError(f"features of {label!r} are not finite: NaN or infinity among them")


def require_pictures(classes: Mapping[str, object]) -> None:
    """Raise for a lesson without a class.

    Args:
        classes: label to pictures or features.

    Raises:
        LearnError: there is no class.
    """
    if not classes:
        raise LearnError("there is no class to learn; give at least one class with pictures")


def require_names(labels: Iterable[str], known: Sequence[str], new_class: bool = False) -> None:
    """Raise for class names that a lesson must not teach.

    Args:
        labels: of the lesson, as `normalized_label` returns them.
        known: labels of the store; each of them stays allowed.
        new_class: names may differ from known ones, or each other, only in case or look-alike letters.

    Raises:
        LearnError: a name is not a valid name of a new class, or is easily mistaken for another one.
    """
    names = list(known)
    for label in labels:
        require_distinct(checked_label(label, known), names, new_class=new_class)
        names.append(label)


def unknown_class(
    store: Path | str, labels: Sequence[str], label: str, renamed_to: Sequence[str] = ()
) -> str:
    """Return the message for a class that a store does not have.

    Args:
        store: path or name of the store.
        labels: its classes.
        label: the name that was given.
        renamed_to: live classes that had this name once.

    Returns:
        One line, with the name that was probably meant and the first ten names.
    """
    missing = f"{store} has no class {label!r}"
    if not labels:
        return f"{missing}; it has no class yet, teach one first"
    known = ", ".join(labels[:_LISTED]) + (", ..." if len(labels) > _LISTED else "")
    if renamed_to:
        return f"{missing}; it is now called {' and '.join(map(repr, renamed_to))}. It has: {known}"
    if close := difflib.get_close_matches(label, labels, n=1):
        return f"{missing}; did you mean {close[0]!r}? It has: {known}"
    return f"{missing}; it has: {known}"
