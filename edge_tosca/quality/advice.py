"""Advice on a lesson in plain sentences; numbers of pictures follow from a learning curve."""

import math
from collections.abc import Mapping, Sequence

ENOUGH_PICTURES = 10
"""Pictures that the advice asks for in a class that has too few to be checked."""

LEARNING_EXPONENT = 0.5
"""The held-out error falls like (pictures per class) ** -0.5."""

ERRORS_KEPT = 2 / 3
"""The advice asks for as many pictures as should leave two thirds of a class's errors."""

WEAK_BELOW = 0.8
"""Held-out accuracy below which a new class gets advice, whatever the verdict."""

MOST_SENTENCES = 5

MOST_NAMED = 3
"""Classes that one sentence names."""


def pictures_to_add(pictures: int) -> int:
    """Compute how many pictures a class should get.

    Args:
        pictures: how many it has.

    Returns:
        The number that brings a small class to ENOUGH_PICTURES, or, if that is more, the number that leaves
        ERRORS_KEPT of the errors by the learning curve: n ((1 / ERRORS_KEPT) ** (1 / LEARNING_EXPONENT) - 1).
    """
    growth: float = (1 / ERRORS_KEPT) ** (1 / LEARNING_EXPONENT) - 1
    return max(ENOUGH_PICTURES - pictures, math.ceil(pictures * growth))


def same_class(label: str, other: str) -> str:
    """Advise on a new class that may be another class under a second name."""
    return f"Teach the pictures of {label!r} as {other!r} if both are the same class, or show how they differ"


def check_labels(suspects: int) -> str:
    """Advise on pictures that look mislabelled."""
    return (
        f"Check the {suspects} pictures that look like another class, correct wrong labels, and learn again"
    )


def too_few(distinct: Mapping[str, int]) -> list[str]:
    """Advise on classes with too few different pictures.

    Args:
        distinct: label to the number of different pictures, of the classes that have too few.

    Returns:
        One sentence per class, the smallest class first.
    """
    return [
        f"{_more(pictures_to_add(count))} of {label!r} from other angles: it has only {count} "
        f"{'picture' if count == 1 else 'different pictures'}"
        for label, count in sorted(distinct.items(), key=lambda item: item[1])
    ]


def too_alike(labels: Sequence[str], pictures: Mapping[str, int]) -> list[str]:
    """Advise on classes whose pictures show nearly the same view.

    Args:
        labels: of these classes.
        pictures: label to the number of pictures.

    Returns:
        One sentence per class, in the order of the labels.
    """
    return [
        f"{_more(max(ENOUGH_PICTURES, pictures[label]))} of {label!r} from other angles and distances: "
        f"its {pictures[label]} are nearly the same view"
        for label in labels
    ]


def harmed(label: str, other: str, count: int, pictures: int) -> str:
    """Advise on an old class that lost accuracy to a new one.

    Args:
        label: of the old class.
        other: of the new one.
        count: pictures of the old class that are now taken for the new one.
        pictures: of the old class in all.

    Returns:
        The sentence.
    """
    return (
        f"{_more(pictures_to_add(pictures))} of {label!r}, where it differs from {other!r}: "
        f"{count} of its pictures are now taken for {other!r}"
    )


def weak(accuracy: Mapping[str, float], pictures: Mapping[str, int], rivals: Mapping[str, str]) -> list[str]:
    """Advise on new classes with a low held-out accuracy.

    Args:
        accuracy: label to held-out accuracy, of the new classes.
        pictures: label to the number of pictures.
        rivals: label to the class that it is mostly taken for.

    Returns:
        One sentence per class below WEAK_BELOW, the weakest class first.
    """
    sentences = []
    for label, share in sorted(accuracy.items(), key=lambda item: item[1]):
        if share < WEAK_BELOW:
            count = pictures[label]
            rival = f", mostly taken for {rivals[label]!r}" if label in rivals else ""
            sentences.append(
                f"{_more(pictures_to_add(count))} of {label!r} from other angles: "
                f"{share:.0%} of its {count} are right{rival}; so many should leave two thirds of the errors"
            )
    return sentences


def at_border(labels: Sequence[str]) -> str:
    """Advise on classes that may be known by their background.

    Args:
        labels: of these classes, the clearest first.

    Returns:
        The sentence.
    """
    names = ", ".join(map(repr, labels[:MOST_NAMED])) + (" and others" if len(labels) > MOST_NAMED else "")
    return (
        f"Most of what speaks for {names} lies at the border of the pictures, so the background may have "
        "been learned: show all classes in the same place, or each in several places, or nearer"
    )


def _more(count: int) -> str:
    return f"{count} more {'picture' if count == 1 else 'pictures'}"
