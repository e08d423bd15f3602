"""The records of a store: generations, their tasks, and the classes of each task."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from edge_tosca.arrays import Array


@dataclass(frozen=True)
class TaskClass:
    """One class as one task taught it; statistically, a group.

    Attributes:
        id: of its row in the store.
        label: name of the class.
        images: number of cached features.
        features: row of the cached features.
        merged_from: name of the class before it was merged into another; "" where it was not.
    """

    id: int
    label: str
    images: int
    features: int
    merged_from: str = ""


@dataclass(frozen=True)
class Task:
    """The classes that one `learn` taught.

    Attributes:
        id: of its row in the store.
        name: as the user gave it, or "task N".
        learned_at: ISO 8601, UTC.
        module: digest of its LuCA module.
        groups: its classes, in the order of the module's prototypes.
    """

    id: int
    name: str
    learned_at: str
    module: str
    groups: tuple[TaskClass, ...]


@dataclass(frozen=True)
class State:
    """The live tasks of one generation.

    Attributes:
        generation: its number; 0 before anything was learned.
        tasks: in the order in which they were learned.
        none: lessons of pictures that show none of the classes; each has one group, NONE_LABEL.
    """

    generation: int
    tasks: tuple[Task, ...]
    none: tuple[Task, ...] = ()

    @cached_property
    def groups(self) -> tuple[TaskClass, ...]:
        """All groups, task by task."""
        return tuple(group for task in self.tasks for group in task.groups)

    @cached_property
    def none_groups(self) -> tuple[TaskClass, ...]:
        """The pictures that show none of the classes, lesson by lesson."""
        return tuple(group for task in self.none for group in task.groups)

    @cached_property
    def columns(self) -> tuple[slice, ...]:
        """The range of each task's groups among all groups."""
        ends = np.cumsum([len(task.groups) for task in self.tasks])
        return tuple(
            slice(int(end) - len(task.groups), int(end)) for task, end in zip(self.tasks, ends, strict=True)
        )

    @cached_property
    def label_of_group(self) -> Array:
        """Index of each group's label among `labels`, int [g]."""
        index = {label: place for place, label in enumerate(self.labels)}
        return np.array([index[group.label] for group in self.groups], int)

    @cached_property
    def class_of_group(self) -> Array:
        """Index of the class that each group was taught as, int [g]; merged classes have different ones."""
        taught_as = [(group.label, group.merged_from or group.label) for group in self.groups]
        index = {name: place for place, name in enumerate(dict.fromkeys(taught_as))}
        return np.array([index[name] for name in taught_as], int)

    @cached_property
    def task_of_group(self) -> Array:
        """Index of each group's task, int [g]."""
        return np.repeat(np.arange(len(self.tasks)), [len(task.groups) for task in self.tasks])

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Distinct class names in the order in which they were first learned."""
        return tuple(dict.fromkeys(group.label for group in self.groups))


@dataclass(frozen=True)
class TaughtClass:
    """The pictures of one class in a generation that taught it.

    Attributes:
        label: name of the class at that time.
        images: number of pictures.
        digest: sha256 (hex) over them, see `edge_tosca.digests.pictures_digest`.
    """

    label: str
    images: int
    digest: str


@dataclass(frozen=True)
class Generation:
    """One entry of a store's history.

    Attributes:
        number: counts up from 1.
        parent: number of the generation that it was made from; 0 for none.
        made_at: ISO 8601, UTC.
        command: that made it, for example "learn".
        report: of that command.
        by: its provenance, see `edge_tosca.store.audit.provenance`; empty if it was made in format 1.
        taught: the pictures that it brought, without those of classes that were forgotten since.
        seal: digest of its audit entry; "" where it has none.
    """

    number: int
    parent: int
    made_at: str
    command: str
    report: dict[str, object]
    by: dict[str, object] = field(default_factory=dict)
    taught: tuple[TaughtClass, ...] = ()
    seal: str = ""
