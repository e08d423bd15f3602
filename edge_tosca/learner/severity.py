"""The severity of classes: a setting, carried in the events that name them."""

import json
from dataclasses import dataclass, field
from typing import Literal, get_args

from edge_tosca.errors import LearnError
from edge_tosca.labels import normalized_label
from edge_tosca.results import Answer
from edge_tosca.store.schema import SEVERITY_SETTING
from edge_tosca.store.state import State
from edge_tosca.store.store import Store
from edge_tosca.store.validation import damage_errors

Severity = Literal["info", "warning", "alarm"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
INFO: Severity = "info"

_CLASSES, _UNKNOWN = "classes", "unknown"


@dataclass(frozen=True)
class Severities:
    """Severities of a store's classes.

    Attributes:
        unknown: of what is none of them.
        classes: row of a group to the severity of its class; info where it is absent.
    """

    unknown: Severity = INFO
    classes: dict[int, Severity] = field(default_factory=dict)

    def of(self, state: State, label: str) -> Severity:
        """Return the severity of a class."""
        own = [self.classes[g.id] for g in state.groups if g.label == label and g.id in self.classes]
        return own[0] if own else INFO

    def of_answer(self, state: State, answer: Answer) -> Severity:
        """Return the severity of an answer."""
        return self.unknown if answer.unknown else self.of(state, answer.label)

    def by_label(self, state: State) -> dict[str, Severity]:
        """Return the classes with a severity of their own."""
        labels = dict.fromkeys(group.label for group in state.groups if group.id in self.classes)
        return {label: self.of(state, label) for label in labels}


def read_severities(store: Store) -> Severities:
    """Read the severities of a store, also where another process has just changed them.

    Args:
        store: the store.

    Returns:
        The severities; info for all where none was set.

    Raises:
        StoreError: the setting is damaged.
    """
    rows = store.query("SELECT value FROM settings WHERE key = ?", SEVERITY_SETTING)
    if not rows:
        return Severities()
    with damage_errors(store.path):
        kept = json.loads(rows[0][0])
        return Severities(
            _checked(kept[_UNKNOWN]), {int(row): _checked(one) for row, one in kept[_CLASSES].items()}
        )


def set_severity(store: Store, severity: str | None, label: str | None) -> Severities:
    """Set the severity of a class, or of what is unknown; an audit entry, and no generation.

    Args:
        store: the store.
        severity: info, warning or alarm; None for info.
        label: the class; None for what is unknown.

    Returns:
        The severities of the store.

    Raises:
        LearnError: there is no such severity, or the store has no such class.
        StoreError: the store cannot be written.
    """
    try:
        chosen = _checked(INFO if severity is None else severity)
    except ValueError:
        raise LearnError(f"severity {severity}: choose {', '.join(SEVERITIES)}") from None
    with store.transaction():
        store.audit_log.set_command("severity")
        state, now = store.state(), read_severities(store)
        live = {group.id for group in state.groups}
        # Rows of classes that were forgotten since are dropped.
        classes = {row: kept for row, kept in now.classes.items() if row in live}
        if label is None:
            new = Severities(chosen, classes)
        else:
            label = normalized_label(label)
            rows = [group.id for group in state.groups if group.label == label]
            if not rows:
                raise LearnError(f"{store.path} has no class {label!r}; see: edge-tosca classes {store.path}")
            others = {row: kept for row, kept in classes.items() if row not in rows}
            own = {} if chosen == INFO else dict.fromkeys(rows, chosen)
            new = Severities(now.unknown, others | own)
        store.set_setting(SEVERITY_SETTING, None if new == Severities() else _as_text(new))
    return new


def _checked(value: object) -> Severity:
    for severity in SEVERITIES:
        if value == severity:
            return severity
    raise ValueError(f"no severity: {value!r:.40}")


def _as_text(severities: Severities) -> str:
    classes = {str(row): value for row, value in sorted(severities.classes.items())}
    return json.dumps({_UNKNOWN: severities.unknown, _CLASSES: classes}, sort_keys=True)
