"""What a generation knows, ready to answer: its router, its modules and its cached features."""

from collections.abc import Sequence
from functools import cached_property, lru_cache

import numpy as np

from edge_tosca.answer import Answer, Guess
from edge_tosca.conditioning import condition, luca_input
from edge_tosca.entropy import entropy_log_posterior
from edge_tosca.errors import LearnError
from edge_tosca.luca import Array
from edge_tosca.module import Module
from edge_tosca.posterior import by_label, log_softmax, refine
from edge_tosca.router import (
    EXEMPLARS,
    PROPOSED,
    LeftOut,
    Router,
    TaskColumns,
    evenly,
    fit_router,
)
from edge_tosca.state import Group, State
from edge_tosca.store import Store
from edge_tosca.sums import GramStatistics, RowStatistics, Statistics
from edge_tosca.unknowns import margin, nearness

_MODULES_IN_MEMORY = 32
_GROUPS_IN_MEMORY = 256


class Knowledge:
    """A read-only view of one generation of a store.

    Attributes:
        state: the tasks and classes.
    """

    def __init__(self, store: Store, state: State) -> None:
        self.state = state
        self._store = store
        self._rule = store.settings["router"]
        self._module = lru_cache(_MODULES_IN_MEMORY)(lambda digest: Module.from_bytes(store.module(digest)))
        self._conditioned = lru_cache(_GROUPS_IN_MEMORY)(self._condition)

    @cached_property
    def columns(self) -> tuple[slice, ...]:
        """Where each task's groups stand among all groups."""
        ends = np.cumsum([len(task.groups) for task in self.state.tasks])
        return tuple(
            slice(int(end) - len(task.groups), int(end))
            for task, end in zip(self.state.tasks, ends, strict=True)
        )

    @cached_property
    def label_of_group(self) -> tuple[int, ...]:
        """Index of each group's label among `state.labels`."""
        index = {label: place for place, label in enumerate(self.state.labels)}
        return tuple(index[group.label] for group in self.state.groups)

    @cached_property
    def router(self) -> Router:
        """The router as it was solved when this generation was made."""
        arrays = self._store.derived("routers")
        return self.solve()[0] if arrays is None else Router.from_arrays(arrays)

    def statistics(self, kept: GramStatistics | None = None) -> Statistics:
        """Sum up the cached features of all groups.

        Args:
            kept: the sums of all groups but the last ones, where they are known already.

        Returns:
            The features themselves while they are few, their sums beyond.
        """
        groups = range(len(self.state.groups))
        d = int(self._store.settings["feature_dim"])
        if sum(group.images for group in self.state.groups) <= d:
            return RowStatistics(tuple(self.cached(index) for index in groups))
        if kept is None:
            return GramStatistics.of_groups((self.cached(index) for index in groups), d)
        for index in groups[len(kept.counts) :]:
            kept = kept.with_group(self.cached(index))
        return kept

    def solve(self, statistics: Statistics | None = None) -> tuple[Router, LeftOut]:
        """Solve this generation's router.

        Args:
            statistics: its sums, where they are known already.

        Returns:
            The router, and the leave-one-out answers that its settings were chosen by.
        """
        tasks = [
            TaskColumns(columns, self._opinion(task.module) if len(task.groups) > 1 else None)
            for task, columns in zip(self.state.tasks, self.columns, strict=True)
        ]
        refused = float(self._store.settings["refused"])
        return fit_router(statistics or self.statistics(), self.cached, self.label_of_group, tasks, refused)

    def cached(self, index: int) -> Array:
        """Give the conditioned features of a group.

        Args:
            index: its place among `state.groups`.

        Returns:
            float32 [n, d].
        """
        return self._conditioned(self.state.groups[index])

    def decide(self, features: Array, top: int, burst: bool = False) -> list[Answer]:
        """Answer features, each on its own unless they are a burst.

        Args:
            features: [n, d].
            top: number of guesses in an answer.
            burst: the features are views of one object and get one answer.

        Returns:
            One answer a feature, or one in all.

        Raises:
            LearnError: nothing was learned yet.
        """
        if not self.state.tasks:
            raise LearnError(f"{self._store.path} knows no class yet; teach it with: edge-tosca learn")
        logs, proposed, beyond = self._log_posterior(features)
        familiarity = self._familiarity(condition(features), proposed, beyond)
        if burst:
            # Frames of one object err alike, so their evidence is averaged, not multiplied.
            logs = log_softmax(logs.mean(axis=0, keepdims=True))
            familiarity = familiarity.mean(keepdims=True)
        posterior = by_label(logs, self.label_of_group, len(self.state.labels))
        threshold = self.router.familiarity.threshold
        return [
            self._answer(row, logs[place], float(familiarity[place]), threshold, top)
            for place, row in enumerate(posterior)
        ]

    def posterior(self, features: Array, modules: bool = True) -> Array:
        """Give the probabilities of all labels, each feature on its own.

        Args:
            features: [n, d].
            modules: let the modules speak; without them the router decides alone.

        Returns:
            [n, labels], in the order of `state.labels`.
        """
        logs, _, _ = self._log_posterior(features, modules)
        return by_label(logs, self.label_of_group, len(self.state.labels))

    def luca_input(self, features: Array) -> Array:
        """Give what the modules of this store read: the raw feature in the paper's way, else conditioned.

        Args:
            features: [n, d].

        Returns:
            float32 [n, d].
        """
        return features.astype(np.float32) if self._rule == "entropy" else luca_input(condition(features))

    def _log_posterior(self, features: Array, modules: bool = True) -> tuple[Array, Array, Array]:
        """Give log-probabilities [n, g], proposed groups [n, p], and scores beyond the background [n]."""
        router = self.router
        logs, beyond = router.ask(condition(features))
        proposed = np.argpartition(-logs, min(PROPOSED, logs.shape[1]) - 1, axis=1)[:, :PROPOSED]
        if self._rule == "entropy":
            every = [self._module(task.module) for task in self.state.tasks]
            logs = entropy_log_posterior(every, self.luca_input(features))
        elif modules and router.module_weight > 0:
            for task, columns in zip(self.state.tasks, self.columns, strict=True):
                asked = ((proposed >= columns.start) & (proposed < columns.stop)).any(axis=1)
                if len(task.groups) > 1 and asked.any():
                    module = self._module(task.module)
                    opinion = log_softmax(module.scale * module.cosines(self.luca_input(features[asked])))
                    logs[asked, columns] = refine(logs[asked], columns, opinion, router.module_weight)
        return logs, proposed, beyond

    def _familiarity(self, z: Array, proposed: Array, beyond: Array) -> Array:
        ridge, signs = self.router.ridge, np.empty((len(z), 3))
        for place, groups in enumerate(proposed):
            responses = ridge.weights[groups] @ z[place] + ridge.bias[groups]
            pool = [self.cached(group) for group in groups]
            exemplars = np.concatenate([known[evenly(len(known), EXEMPLARS)] for known in pool])
            signs[place] = beyond[place], margin(responses[None])[0], nearness(z[place], exemplars)
        return self.router.familiarity.score(signs)

    def _answer(
        self, posterior: Array, logs: Array, familiarity: float, threshold: float, top: int
    ) -> Answer:
        labels = self.state.labels
        order = np.argsort(-posterior, kind="stable")[: max(top, 1)]
        guesses = tuple(Guess(labels[place], float(posterior[place])) for place in order)
        group = self._best_group(logs, int(order[0]))
        task = next(
            t for t, c in zip(self.state.tasks, self.columns, strict=True) if c.start <= group < c.stop
        )
        return Answer(
            label=guesses[0].label,
            confidence=guesses[0].confidence,
            unknown=familiarity < threshold,
            task=task.name,
            top=guesses[:top],
            familiarity=familiarity,
            milliseconds={},
        )

    def _best_group(self, logs: Array, label: int) -> int:
        groups: Sequence[int] = [place for place, of in enumerate(self.label_of_group) if of == label]
        return max(groups, key=lambda place: float(logs[place]))

    def _opinion(self, digest: str) -> Array:
        return log_softmax(self._module(digest).scale * self._store.evidence(digest))

    def _condition(self, group: Group) -> Array:
        return condition(self._store.features(group))
