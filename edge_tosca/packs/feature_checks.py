"""Checks of the numbers in a pack, which a valid signature does not vouch for: a signer can err too."""

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.errors import PackError, printable
from edge_tosca.features.normalization import normalize
from edge_tosca.packs.container import Pack, PackedTask

_ALIKE = 1e-3
"""Distance of normalised features from their mean below which they show one picture only. Frames of a still
scene are ten times as far apart."""

_ROUNDING = 2e-3
"""By which a cosine in float16 may exceed 1."""

_REMEDY = "have the pack exported again"


def require_numbers(task: PackedTask) -> None:
    """Raise if a task's features or held-out cosines hold numbers that no learner writes.

    Args:
        task: as read, with arrays of the right shapes.

    Raises:
        PackError: a feature is not finite; or a cosine is not in -1 to 1. Only a picture that is alone in its
            class, and those of a task of one class, have NaN, since there is no held-out answer.
    """
    for label, rows in zip(task.labels, task.features, strict=True):
        if not np.isfinite(rows).all():
            raise PackError(f"features of class {printable(label)!r} are not finite; {_REMEDY}")
    cosines = task.cosines.astype(np.float32)
    alone = np.repeat([len(rows) == 1 for rows in task.features], [len(rows) for rows in task.features])
    unanswered = np.isnan(cosines).all(axis=1) & (alone | (len(task.labels) == 1))
    # A comparison with NaN does not hold.
    answered = (np.abs(cosines) <= 1 + _ROUNDING).all(axis=1)
    if not (answered | unanswered).all():
        raise PackError(f"held-out cosines of task {task.name!r} are not numbers of -1 to 1; {_REMEDY}")


def warnings_of(pack: Pack) -> tuple[str, ...]:
    """Warn of classes whose features are all alike, as a covered lens or a faulty backbone gives them.

    Args:
        pack: as read.

    Returns:
        One line for each such class.
    """
    return tuple(
        f"all {len(rows)} features of class {printable(label)!r} are alike, as of a covered lens or a faulty "
        "backbone: it will answer badly; forget it, or have its pictures checked where it was taught"
        for task in pack.tasks
        for label, rows in zip(task.labels, task.features, strict=True)
        if len(rows) > 1 and _all_alike(rows)
    )


def _all_alike(rows: Array) -> bool:
    z = normalize(rows)
    distances = np.linalg.norm(z - z.mean(axis=0), axis=1)
    return bool(distances.max() < _ALIKE)
