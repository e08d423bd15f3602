"""Router and modules put together from the core's own functions, without a store in between."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edge_tosca.arrays import Array, log_softmax
from edge_tosca.bench.data import Protocol
from edge_tosca.classifier.calibration.posterior import refine
from edge_tosca.classifier.held_out import HeldOut
from edge_tosca.classifier.lda.statistics import statistics_of
from edge_tosca.classifier.router import Router
from edge_tosca.classifier.router_fit import TaskColumns, fit_router
from edge_tosca.features.normalization import module_input, normalize
from edge_tosca.learner.task_training import train_task_module
from edge_tosca.system.blas import one_blas_thread
from edge_tosca.tosca.task_module import Module

# The learner's default; it decides about unknowns alone.
_REFUSED = 0.05


@dataclass(frozen=True)
class TrainedModules:
    """The modules of a protocol's tasks.

    Attributes:
        drawn: the protocol.
        modules: one a task.
        tasks: where their groups stand, and the opinions of cross-fitted modules.
    """

    drawn: Protocol
    modules: tuple[Module, ...]
    tasks: tuple[TaskColumns, ...]

    @property
    def width(self) -> int:
        """Width of what modules read: the first part of a feature."""
        return int(self.modules[0].prototypes.shape[1])


@dataclass(frozen=True)
class Fused:
    """A router with the modules it was solved with.

    Attributes:
        router: as a learner of all tasks has it.
        trained: the modules.
    """

    router: Router
    trained: TrainedModules

    def weighing(self, weight: float) -> "Fused":
        """Return the same with another weight of the modules."""
        return replace(self, router=replace(self.router, module_weight=weight))

    def log_posterior(self) -> Array:
        """Answer the test pictures: log-probabilities of the classes, [m, g]."""
        parts = self.router.part_weight
        z = normalize(self.trained.drawn.test, () if parts is None else parts.widths)
        logs, _ = self.router.scores(self.router.view(z))
        if self.router.module_weight > 0:
            for columns, opinion in opinions(self.trained, z):
                logs[:, columns] = refine(logs, columns, opinion, self.router.module_weight)
        return logs


def train_modules(drawn: Protocol, width: int | None = None, **settings: Any) -> TrainedModules:
    """Train the modules of all tasks.

    Args:
        drawn: groups and tasks.
        width: of the first part of the features, which modules read; by default there is no other.
        settings: of `task_training.train_task_module`.

    Returns:
        The modules.
    """
    modules, tasks = [], []
    for columns in drawn.tasks:
        with one_blas_thread():
            read = [rows[:, :width] for rows in drawn.groups[columns]]
            module, cosines = train_task_module(read, **settings)
        modules.append(module)
        alone = columns.stop - columns.start == 1
        opinion = None if alone else log_softmax(module.scale * cosines)
        tasks.append(TaskColumns(columns, opinion))
    return TrainedModules(drawn, tuple(modules), tuple(tasks))


def fuse(trained: TrainedModules, **settings: Any) -> Fused:
    """Solve the router of all tasks.

    Args:
        trained: the modules.
        settings: of `router_fit.fit_router`.

    Returns:
        Both.
    """
    groups = [normalize(rows, settings.get("widths", ())) for rows in trained.drawn.groups]
    router, _ = solve(groups, np.arange(len(groups)), trained.tasks, **settings)
    return Fused(router, trained)


def solve(
    groups: Sequence[Array], labels: Array, tasks: Sequence[TaskColumns] = (), **settings: Any
) -> tuple[Router, HeldOut]:
    """Solve a router.

    Args:
        groups: normalised features, float32 [n, d] each.
        labels: label of each group, int [g].
        tasks: with their modules' opinions; one task without a module by default.
        settings: of `router_fit.fit_router`.

    Returns:
        The router, and the answers to held-out pictures.
    """
    alone = [TaskColumns(slice(0, len(groups)), None)]
    with one_blas_thread():
        return fit_router(
            statistics_of(groups), groups.__getitem__, labels, tasks or alone, _REFUSED, **settings
        )


def opinions(trained: TrainedModules, z: Array) -> list[tuple[slice, Array]]:
    """Compute the opinion of every module that has one.

    Args:
        trained: the modules.
        z: normalised features, float32 [m, d].

    Returns:
        The groups of its task, and its log-probabilities of them up to a constant a picture, [m, k].
    """
    x = module_input(z[:, : trained.width])
    return [
        (task.columns, module.scale * module.cosines(x))
        for task, module in zip(trained.tasks, trained.modules, strict=True)
        if task.opinion is not None
    ]


def accuracy_inside_tasks(logs: Array, truth: Array, tasks: Sequence[slice]) -> float:
    """Compute the accuracy where the task of each picture is given, over tasks of more than one class.

    Args:
        logs: log-probabilities of the groups, [m, g].
        truth: int [m].
        tasks: slices of the groups.

    Returns:
        The share; NaN where all tasks have one class.
    """
    hits = [np.zeros(0, bool)]
    for task in tasks:
        inside = (truth >= task.start) & (truth < task.stop)
        if task.stop - task.start > 1:
            hits.append(logs[inside, task].argmax(axis=1) == truth[inside] - task.start)
    every = np.concatenate(hits)
    return float(every.mean()) if len(every) else float("nan")
