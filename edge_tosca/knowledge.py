"""What a generation knows, ready to answer: its router, its modules and its cached features."""

import contextlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from edge_tosca.answer import Answer, Guess
from edge_tosca.cache import Cache
from edge_tosca.compact import bytes_of, compact
from edge_tosca.conditioning import condition, luca_input
from edge_tosca.conformal import label_set, least_probability
from edge_tosca.entropy import entropy_log_posterior
from edge_tosca.errors import LearnError
from edge_tosca.kinship import nearest_groups
from edge_tosca.labelling import Labelling
from edge_tosca.luca import Array
from edge_tosca.module import Module, scale_of
from edge_tosca.posterior import by_label, log_softmax, refine
from edge_tosca.router import (
    PROPOSED,
    LeftOut,
    Router,
    TaskColumns,
    fit_router,
)
from edge_tosca.shortlist import Shortlist
from edge_tosca.soundness import checked_evidence, damaged
from edge_tosca.state import Group, State, Task
from edge_tosca.store import Store
from edge_tosca.sums import GramStatistics, RowStatistics, Statistics, few

# A module shares out the probability of its task; a hundredth of the best group's is not worth the asking.
_NEGLIGIBLE = float(np.log(100))
_MODULE_BYTES = 48 << 20
_FEATURE_BYTES = 8 << 20


class Knowledge:
    """A read-only view of one generation of a store.

    Attributes:
        state: the tasks and classes.
    """

    def __init__(self, store: Store, state: State) -> None:
        self.state = state
        self._store = store
        self._rule = store.settings["router"]
        self._dimensions = int(store.settings["feature_dim"])
        self._module = Cache(self._read_module, bytes_of, _MODULE_BYTES)
        self._conditioned = Cache(self._condition, _size, _FEATURE_BYTES)

    @cached_property
    def columns(self) -> tuple[slice, ...]:
        """Where each task's groups stand among all groups."""
        ends = np.cumsum([len(task.groups) for task in self.state.tasks])
        return tuple(
            slice(int(end) - len(task.groups), int(end))
            for task, end in zip(self.state.tasks, ends, strict=True)
        )

    @cached_property
    def label_of_group(self) -> Array:
        """Index of each group's label among `state.labels`, int [g]."""
        return self.labelling.of_group

    @cached_property
    def labelling(self) -> Labelling:
        """Which of `state.labels` each group bears."""
        return Labelling.of([group.label for group in self.state.groups], self.state.labels)

    @cached_property
    def task_of_group(self) -> Array:
        """Index of each group's task, int [g]."""
        return np.repeat(np.arange(len(self.state.tasks)), [len(task.groups) for task in self.state.tasks])

    @cached_property
    def router(self) -> Router:
        """The router as it was solved when this generation was made."""
        arrays = self._store.derived("routers")
        if arrays is not None:
            # Kept by another version of this program, or damaged: solved again, nothing is lost.
            with contextlib.suppress(KeyError, ValueError, TypeError):
                return Router.from_arrays(arrays, len(self.state.groups), self._dimensions)
        return self.solve()[0]

    def statistics(self, kept: GramStatistics | None = None) -> Statistics:
        """Sum up the cached features of all groups.

        Args:
            kept: the sums of all groups but the last ones, where they are known already.

        Returns:
            The features themselves while they are few, their sums beyond.
        """
        groups = range(len(self.state.groups))
        d = self._dimensions
        if few(sum(group.images for group in self.state.groups), d):
            return RowStatistics(tuple(self.cached(index) for index in groups))
        if kept is None:
            return GramStatistics.of_groups((self.cached(index) for index in groups), d)
        return kept.with_groups([self.cached(index) for index in groups[len(kept.counts) :]])

    def solve(self, statistics: Statistics | None = None) -> tuple[Router, LeftOut]:
        """Solve this generation's router.

        Args:
            statistics: its sums, where they are known already.

        Returns:
            The router, and the leave-one-out answers that its settings were chosen by.
        """
        tasks = [
            TaskColumns(columns, self._opinion(task) if len(task.groups) > 1 else None)
            for task, columns in zip(self.state.tasks, self.columns, strict=True)
        ]
        refused = float(self._store.settings["refused"])
        try:
            return fit_router(
                statistics or self.statistics(), self.cached, self.label_of_group, tasks, refused
            )
        # Sums that no features have: they are kept in the store, too.
        except np.linalg.LinAlgError:
            raise damaged(self._store.path) from None

    def cached(self, index: int) -> Array:
        """Give the conditioned features of a group.

        Args:
            index: its place among `state.groups`.

        Returns:
            float32 [n, d].
        """
        return self._conditioned(self.state.groups[index])

    def decide(
        self, features: Array, top: int, burst: bool = False, coverage: float | None = None
    ) -> list[Answer]:
        """Answer features, each on its own unless they are a burst.

        Args:
            features: [n, d].
            top: number of guesses in an answer.
            burst: the features are views of one object and get one answer.
            coverage: probability with which an answer's set of labels is to hold the truth.

        Returns:
            One answer a feature, or one in all.

        Raises:
            LearnError: nothing was learned yet, or there is no such label set.
        """
        if not self.state.tasks:
            raise LearnError(f"{self._store.path} knows no class yet; teach it with: edge-tosca learn")
        least = None if coverage is None else self._least_probability(coverage, burst)
        z = condition(features)
        shortlist = self.router.shortlist
        if shortlist is not None and len(z) == 1 and least is None and self._rule != "entropy":
            answer = self._glance(z, top, shortlist)
            if answer is not None:
                return [answer]
        logs, scores = self._log_posterior(features, z)
        familiarity = self.router.familiarity.score(self.router.signs(z, scores))
        if burst:
            # Frames of one object err alike, so their evidence is averaged, not multiplied.
            logs = log_softmax(logs.mean(axis=0, keepdims=True))
            familiarity = familiarity.mean(keepdims=True)
        posterior = by_label(logs, self.label_of_group, len(self.state.labels))
        answers = []
        for row, some, how in zip(posterior, logs, familiarity.tolist(), strict=True):
            best = _largest(row, max(top, 1))
            within = None if least is None else label_set(row, least)
            answers.append(self._answer(best, row[best].tolist(), some, how, top, within))
        return answers

    def _glance(self, z: Array, top: int, shortlist: Shortlist) -> Answer | None:
        """Answer one picture by a shortlist; None where its groups have fewer labels than are asked for."""
        router = self.router
        scores, listed, above = router.glance(z[0], shortlist)
        proposed = listed[np.argsort(-scores[listed], kind="stable")[:PROPOSED]]
        asked: list[int] = []
        if router.module_weight > 0:
            likely = proposed[scores[proposed] >= scores[proposed[0]] - _NEGLIGIBLE]
            asked = list(dict.fromkeys(self.task_of_group[likely].tolist()))
        for place in asked:
            # A module weighs all groups of its task against each other.
            columns = self.columns[place]
            scores[columns] = router.tempered(z[0], columns)
        logs = log_softmax(scores[None])
        x = luca_input(z)
        for place in asked:
            self._hear(place, logs, x, slice(None))
        named = [listed, *(np.arange(self.columns[at].start, self.columns[at].stop) for at in asked)]
        labels, shares = self.labelling.shares(logs[0], np.concatenate(named))
        if len(labels) < min(max(top, 1), len(self.state.labels)):
            return None
        best = _largest(shares, max(top, 1))
        nearest = listed[nearest_groups(above[None, listed])[0]]
        familiarity = float(router.familiarity.score(router.signs_among(z[0], nearest, above)))
        return self._answer(labels[best].tolist(), shares[best].tolist(), logs[0], familiarity, top)

    def posterior(self, features: Array, modules: bool = True) -> Array:
        """Give the probabilities of all labels, each feature on its own.

        Args:
            features: [n, d].
            modules: let the modules speak; without them the router decides alone.

        Returns:
            [n, labels], in the order of `state.labels`.
        """
        logs, _ = self._log_posterior(features, condition(features), modules)
        return by_label(logs, self.label_of_group, len(self.state.labels))

    def signs(self, features: Array) -> Array:
        """Give the signs of familiarity, each feature on its own.

        Args:
            features: [n, d].

        Returns:
            Direction, relative distance and nearness, float64 [n, 3].
        """
        z = condition(features)
        return self.router.signs(z, self.router.ask(z)[1])

    def _log_posterior(self, features: Array, z: Array, modules: bool = True) -> tuple[Array, Array]:
        """Give log-probabilities [n, g], and the router's scores of groups and background [n, g + 1]."""
        router = self.router
        logs, scores = router.ask(z)
        if self._rule == "entropy":
            every = [self._module(task.module) for task in self.state.tasks]
            # The paper's modules read the feature as it is.
            logs = entropy_log_posterior(every, features.astype(np.float32))
        elif modules and router.module_weight > 0:
            x = luca_input(z)
            proposed = np.argpartition(-logs, min(PROPOSED, logs.shape[1]) - 1, axis=1)[:, :PROPOSED]
            chances = logs[np.arange(len(z))[:, None], proposed]
            likely = chances >= chances.max(axis=1, keepdims=True) - _NEGLIGIBLE
            asked = np.where(likely, self.task_of_group[proposed], -1)
            for place in set(asked[likely].tolist()):
                self._hear(place, logs, x, slice(None) if len(x) == 1 else (asked == place).any(axis=1))
        return logs, scores

    def _hear(self, place: int, logs: Array, x: Array, rows: slice | Array) -> None:
        """Let a task's module revise log-probabilities of some pictures, in place."""
        task, columns = self.state.tasks[place], self.columns[place]
        if len(task.groups) > 1:
            module = self._module(task.module)
            opinion = module.scale * module.cosines(x[rows])
            logs[rows, columns] = refine(logs[rows], columns, opinion, self.router.module_weight)

    def _least_probability(self, coverage: float, burst: bool) -> float:
        if burst or self._rule == "entropy":
            what = "a burst" if burst else "the paper's rule (--router entropy)"
            raise LearnError(f"label sets are calibrated for the default router and one picture, not {what}")
        return least_probability(self.router.calibration, coverage)

    def _answer(
        self,
        order: Sequence[int],
        confidences: Sequence[float],
        logs: Array,
        familiarity: float,
        top: int,
        within: Array | None = None,
    ) -> Answer:
        """Put into words what was found: the best labels with their probabilities, and a label set."""
        labels = self.state.labels
        guesses = tuple(Guess(labels[place], share) for place, share in zip(order, confidences, strict=True))
        groups = self.labelling.groups(order[0])
        task = self.state.tasks[self.task_of_group[groups[np.argmax(logs[groups])]]]
        return Answer(
            label=guesses[0].label,
            confidence=guesses[0].confidence,
            unknown=familiarity < self.router.familiarity.threshold,
            task=task.name,
            top=guesses[:top],
            familiarity=familiarity,
            milliseconds={},
            set=None if within is None else tuple(labels[place] for place in within),
        )

    def _opinion(self, task: Task) -> Array:
        cosines = checked_evidence(self._store.evidence(task.module), task.groups, self._store.path)
        return log_softmax(scale_of(self._store.module(task.module)) * cosines)

    def _read_module(self, digest: str) -> Module:
        return compact(Module.from_bytes(self._store.module(digest)))

    def _condition(self, group: Group) -> Array:
        return condition(self._store.features(group))


def _size(array: Array) -> int:
    return array.nbytes


def _largest(values: Array, count: int) -> list[int]:
    """Find the largest values, the largest first and the earlier one of equals first."""
    if count < len(values):
        least = np.partition(values, -count)[-count]
        places = np.flatnonzero(values >= least)
    else:
        places = np.arange(len(values))
    order: list[int] = places[np.argsort(-values[places], kind="stable")][:count].tolist()
    return order
