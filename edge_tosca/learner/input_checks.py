"""Refuse pictures and features that cannot be learned."""

import difflib
from collections.abc import Mapping

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.errors import LearnError
from edge_tosca.labels import checked_label
from edge_tosca.store.store import Store


def require_features(classes: Mapping[str, Array], dimensions: int) -> None:
    """Refuse features that no backbone gives.

    Args:
        classes: label to features.
        dimensions: width of a feature of the learner's backbone.

    Raises:
        LearnError: a name that no class can have, or features of another shape, or that are not finite.
    """
    for label, rows in classes.items():
        if checked_label(label) != label:
            raise LearnError(f"class name {label[:40]!r} has blanks around it or is not in composed form")
        if rows.ndim != 2 or rows.shape[1] != dimensions:
            raise LearnError(f"features of {label!r} have shape {list(rows.shape)}, not [n, {dimensions}]")
        if not np.isfinite(rows).all():
            raise LearnError(f"features of {label!r} are not finite: NaN or infinity among them")


def require_pictures(classes: Mapping[str, object]) -> None:
    """Refuse to learn nothing.

    Args:
        classes: what is to be learned, by label.

    Raises:
        LearnError: there is no class.
    """
    if not classes:
        raise LearnError("there is no class to learn; give at least one class with pictures")


def unknown_class(store: Store, label: str, hint: str = "") -> LearnError:
    """Return the error for a class that a store does not have.

    Args:
        store: the store.
        label: the name that was given.
        hint: what else is known of the name, beginning with "; ".
    """
    labels = store.state().labels
    close = difflib.get_close_matches(label, labels, n=1)
    if close:
        hint += f"; did you mean {close[0]!r}?"
    known = ", ".join(labels[:10]) + (" ..." if len(labels) > 10 else "") if labels else "none"
    return LearnError(f"{store.path} knows no class {label!r}{hint}; it knows {known}")
