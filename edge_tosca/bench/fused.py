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
class Taught:
    """The modules of a protocol's tasks.

    Attributes:
        drawn: the protocol.
        modules: one a task.
        tasks: where their groups stand, and what cross-fitted modules said.
    """

    drawn: Protocol
    modules: tuple[Module, ...]
    tasks: tuple[TaskColumns, ...]


@dataclass(frozen=True)
class Fused:
    """A router with the modules it was solved with.

    Attributes:
        router: as a learner of all tasks has it.
        taught: the modules.
    """

    router: Router
    taught: Taught

    def weighing(self, weight: float) -> "Fused":
        """Give the modules another weight."""
        return replace(self, router=replace(self.router, module_weight=weight))

    def log_posterior(self) -> Array:
        """Answer the test pictures: log-probabilities of the classes, [m, g]."""
        z = normalize(self.taught.drawn.test)
        logs, _ = self.router.ask(z)
        if self.router.module_weight > 0:
            for columns, opinion in opinions(self.taught, z):
                logs[:, columns] = refine(logs, columns, opinion, self.router.module_weight)
        return logs


def taught_by(drawn: Protocol, **settings: Any) -> Taught:
    """Fit the modules of all tasks.

    Args:
        drawn: groups and tasks.
        settings: of `teaching.train_task_module`.

    Returns:
        The modules.
    """
    modules, tasks = [], []
    for columns in drawn.tasks:
        with one_blas_thread():
            module, cosines = train_task_module(drawn.groups[columns], **settings)
        modules.append(module)
        alone = columns.stop - columns.start == 1
        opinion = None if alone else log_softmax(module.scale * cosines)
        tasks.append(TaskColumns(columns, opinion))
    return Taught(drawn, tuple(modules), tuple(tasks))


def fused(taught: Taught, **settings: Any) -> Fused:
    """Solve the router of all tasks.

    Args:
        taught: the modules.
        settings: of `router_fit.fit_router`.

    Returns:
        Both.
    """
    groups = [normalize(rows) for rows in taught.drawn.groups]
    router, _ = solved(groups, np.arange(len(groups)), taught.tasks, **settings)
    return Fused(router, taught)


def solved(
    groups: Sequence[Array], labels: Array, tasks: Sequence[TaskColumns] = (), **settings: Any
) -> tuple[Router, HeldOut]:
    """Solve a router.

    Args:
        groups: conditioned features, float32 [n, d] each.
        labels: label of each group, int [g].
        tasks: with their modules' opinions; one task without a module by default.
        settings: of `router_fit.fit_router`.

    Returns:
        The router, and the answers to left-out pictures.
    """
    alone = [TaskColumns(slice(0, len(groups)), None)]
    with one_blas_thread():
        return fit_router(
            statistics_of(groups), groups.__getitem__, labels, tasks or alone, _REFUSED, **settings
        )


def opinions(taught: Taught, z: Array) -> list[tuple[slice, Array]]:
    """Ask every module that has an opinion.

    Args:
        taught: the modules.
        z: conditioned features, float32 [m, d].

    Returns:
        The groups of its task, and its log-probabilities of them up to a constant a picture, [m, k].
    """
    x = module_input(z)
    return [
        (task.columns, module.scale * module.cosines(x))
        for task, module in zip(taught.tasks, taught.modules, strict=True)
        if task.opinion is not None
    ]


def inside_task(logs: Array, truth: Array, tasks: Sequence[slice]) -> float:
    """Give the accuracy where the task of each picture is known, over tasks of more than one class.

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
