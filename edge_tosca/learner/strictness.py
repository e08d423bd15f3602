"""The strictness of a store, for all classes and for single ones: a setting, read at every answer."""

import json
import math
from dataclasses import dataclass, field

import numpy as np

from edge_tosca.classifier.ood.detector import OodDetector
from edge_tosca.classifier.ood.strictness import BALANCED, LEVELS, strict_threshold
from edge_tosca.errors import LearnError
from edge_tosca.store.schema import STRICTNESS_SETTING
from edge_tosca.store.state import State
from edge_tosca.store.store import Store
from edge_tosca.store.validation import damage_errors

_ALL, _CLASSES = "all", "classes"


@dataclass(frozen=True)
class Strictness:
    """How strict a store is.

    Attributes:
        value: for every class without its own, in 0 .. 1.
        classes: row of a group to the value of its class.
    """

    value: float = BALANCED
    classes: dict[int, float] = field(default_factory=dict)

    def of(self, state: State, label: str) -> float:
        """Return the strictness of a class."""
        if not self.classes:
            return self.value
        own = [self.classes[g.id] for g in state.groups if g.label == label and g.id in self.classes]
        return own[0] if own else self.value

    def by_label(self, state: State) -> dict[str, float]:
        """Return the classes that have their own strictness."""
        labels = dict.fromkeys(group.label for group in state.groups if group.id in self.classes)
        return {label: self.of(state, label) for label in labels}


@dataclass(frozen=True)
class StrictnessEffect:
    """What a strictness does to the pictures that placed the threshold.

    Attributes:
        strictness: in 0 .. 1.
        threshold: score below which a picture is called unknown; None where nothing is.
        known: number of held-out known pictures; 0 in a store whose last lesson an earlier version solved.
        known_refused: of them below the threshold.
        references: number of reference pictures.
        references_refused: of them below the threshold.
    """

    strictness: float
    threshold: float | None
    known: int
    known_refused: int
    references: int
    references_refused: int


def parse_strictness(text: str) -> float:
    """Read a strictness as a user writes it.

    Args:
        text: a name of LEVELS, or a number in 0 .. 1.

    Returns:
        The number.

    Raises:
        LearnError: it is neither.
    """
    try:
        value = LEVELS[text] if text in LEVELS else float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise LearnError(f"strictness {text}: choose {', '.join(LEVELS)} or a number from 0 to 1")
    return value


def read_strictness(store: Store) -> Strictness:
    """Read the strictness of a store, also where another process has just changed it.

    Args:
        store: the store.

    Returns:
        The strictness; balanced where none was set.

    Raises:
        StoreError: the setting is damaged.
    """
    return store.reuse(STRICTNESS_SETTING, lambda: _read(store))


def _read(store: Store) -> Strictness:
    rows = store.query("SELECT value FROM settings WHERE key = ?", STRICTNESS_SETTING)
    if not rows:
        return Strictness()
    with damage_errors(store.path):
        kept = json.loads(rows[0][0])
        found = Strictness(
            float(kept[_ALL]), {int(row): float(value) for row, value in kept[_CLASSES].items()}
        )
        if not all(0 <= value <= 1 for value in (found.value, *found.classes.values())):
            raise ValueError("a strictness is out of range")
    return found


def set_strictness(store: Store, value: float | None, label: str | None = None) -> Strictness:
    """Set the strictness of a store, or of one class; an audit entry, and no generation.

    Args:
        store: the store.
        value: in 0 .. 1; None removes that of the class, or sets all to balanced.
        label: the class; None for every class without its own.

    Returns:
        The strictness of the store.

    Raises:
        LearnError: the value is out of range, or the store has no such class.
        StoreError: the store cannot be written.
    """
    if value is not None and not 0 <= value <= 1:
        raise LearnError(f"strictness must lie in 0 .. 1; it is {value:g}")
    with store.transaction():
        store.audit_log.set_command("strictness")
        state, now = store.state(), read_strictness(store)
        live = {group.id for group in state.groups}
        # Rows of classes that were forgotten since are dropped.
        classes = {row: kept for row, kept in now.classes.items() if row in live}
        if label is None:
            new = Strictness(BALANCED if value is None else value, classes)
        else:
            rows = [group.id for group in state.groups if group.label == label]
            if not rows:
                raise LearnError(f"{store.path} has no class {label!r}")
            others = {row: kept for row, kept in classes.items() if row not in rows}
            new = Strictness(now.value, others if value is None else others | dict.fromkeys(rows, value))
        store.set_setting(STRICTNESS_SETTING, None if new == Strictness() else _as_text(new))
    return new


def effect_of(detector: OodDetector | None, strictness: float) -> StrictnessEffect:
    """Count the pictures that a strictness would refuse; nothing is changed.

    Args:
        detector: of the live generation; None before anything was learned.
        strictness: in 0 .. 1.

    Returns:
        The counts.
    """
    if detector is None:
        return StrictnessEffect(strictness, None, 0, 0, 0, 0)
    calibration, evidence = detector.calibration, detector.evidence
    threshold = strict_threshold(calibration.threshold, calibration.scale, strictness)
    return StrictnessEffect(
        strictness,
        threshold if np.isfinite(threshold) else None,
        len(evidence.known),
        int((evidence.known < threshold).sum()),
        len(evidence.references),
        int((evidence.references < threshold).sum()),
    )


def _as_text(strictness: Strictness) -> str:
    classes = {str(row): value for row, value in sorted(strictness.classes.items())}
    return json.dumps({_ALL: strictness.value, _CLASSES: classes}, sort_keys=True)
