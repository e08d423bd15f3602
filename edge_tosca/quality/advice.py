"""What to do next, in plain words, with numbers that follow from a learning curve."""

import math
from collections.abc import Mapping, Sequence

ENOUGH_PICTURES = 10
"""Pictures of a class that the advice asks for where there are too few to check it."""

LEARNING_EXPONENT = 0.5
"""Errors on left-out pictures fall like (pictures a class) ** -0.5."""

ERRORS_KEPT = 2 / 3
"""The advice asks for as many pictures as should leave two thirds of a class's errors."""

WEAK_BELOW = 0.8
"""A new class below this accuracy is given advice, whatever the verdict."""

MOST_SENTENCES = 5


def pictures_to_add(pictures: int) -> int:
    """Say how many pictures of a class are missing.

    Args:
        pictures: how many there are.

    Returns:
        As many as bring a small class to ENOUGH_PICTURES; beyond, as many as leave ERRORS_KEPT of the errors
        by the learning curve: n ((1 / ERRORS_KEPT) ** (1 / LEARNING_EXPONENT) - 1).
    """
    growth: float = (1 / ERRORS_KEPT) ** (1 / LEARNING_EXPONENT) - 1
    return max(ENOUGH_PICTURES - pictures, math.ceil(pictures * growth))


def one_thing(label: str, other: str) -> str:
    """Advise on two classes that are the same thing."""
    return f"Teach the pictures of {label!r} as {other!r} if the two are one thing, or show what differs"


def check_labels(suspects: int) -> str:
    """Advise on pictures that look mislabelled."""
    return f"Look at the {suspects} pictures that look like another class, sort them again, and learn anew"


def too_few(distinct: Mapping[str, int]) -> list[str]:
    """Advise on classes with too few different pictures.

    Args:
        distinct: label to the number of different pictures, of the classes that have too few.

    Returns:
        Sentences, the smallest class first.
    """
    return [
        f"{_more(pictures_to_add(count))} of {label!r} from other angles: it has only {count} "
        f"{'picture' if count == 1 else 'different pictures'}"
        for label, count in sorted(distinct.items(), key=lambda item: item[1])
    ]


def too_alike(labels: Sequence[str], pictures: Mapping[str, int]) -> list[str]:
    """Advise on classes whose pictures show the same view."""
    return [
        f"{_more(max(ENOUGH_PICTURES, pictures[label]))} of {label!r} from other angles and distances: "
        f"its {pictures[label]} are nearly the same view"
        for label in labels
    ]


def harmed(label: str, other: str, count: int, pictures: int) -> str:
    """Advise on an old class that lost pictures to a new one."""
    return (
        f"{_more(pictures_to_add(pictures))} of {label!r}, where it differs from {other!r}: "
        f"{count} of its pictures are now taken for {other!r}"
    )


def weak(accuracy: Mapping[str, float], pictures: Mapping[str, int], rivals: Mapping[str, str]) -> list[str]:
    """Advise on new classes that are often wrong.

    Args:
        accuracy: of the new classes on left-out pictures.
        pictures: of each.
        rivals: label to the class that it is mostly taken for.

    Returns:
        Sentences, the weakest class first.
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


def _more(count: int) -> str:
    return f"{count} more {'picture' if count == 1 else 'pictures'}"
