"""What a generation knows, ready to answer: its router, its modules and its cached features."""

import contextlib
from functools import cached_property, partial

import numpy as np

from edge_tosca.arrays import Array, log_softmax
from edge_tosca.classifier.calibration.conformal import label_set, least_probability
from edge_tosca.classifier.calibration.posterior import by_label, refine
from edge_tosca.classifier.held_out import LeftOut
from edge_tosca.classifier.lda.statistics import GramStatistics, RowStatistics, Statistics, few
from edge_tosca.classifier.router import PROPOSED, Router
from edge_tosca.classifier.router_fit import TaskColumns, fit_router
from edge_tosca.errors import LearnError
from edge_tosca.features.normalization import condition, luca_input
from edge_tosca.learner.lru_cache import Cache
from edge_tosca.results import Answer, Guess
from edge_tosca.store.state import Group, State, Task
from edge_tosca.store.store import Store
from edge_tosca.store.validation import checked_evidence, damaged
from edge_tosca.tosca.entropy_selection import entropy_log_posterior
from edge_tosca.tosca.pruning import bytes_of, compact
from edge_tosca.tosca.task_module import Module, scale_of

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
        # Of the store alone: with methods of this object they would hold it in a circle, so that what earlier
        # generations knew stayed in memory until Python's next full collection, tens of megabytes later.
        self._module = Cache(partial(_read_module, store), bytes_of, _MODULE_BYTES)
        self._conditioned = Cache(partial(_read_conditioned, store), _size, _FEATURE_BYTES)

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
        index = {label: place for place, label in enumerate(self.state.labels)}
        return np.array([index[group.label] for group in self.state.groups], int)

    @cached_property
    def thing_of_group(self) -> Array:
        """Index of the thing that each group shows, int [g]: classes that were merged are several things."""
        things = [(group.label, group.merged_from or group.label) for group in self.state.groups]
        index = {thing: place for place, thing in enumerate(dict.fromkeys(things))}
        return np.array([index[thing] for thing in things], int)

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

    def kept_sums(self, arrays: dict[str, Array] | None) -> GramStatistics | None:
        """Read sums of this generation's groups, or of all but its last ones, as the store keeps them.

        Args:
            arrays: from the store; None where it keeps none.

        Returns:
            The sums; None where they are not those of these groups, and are to be summed up again from the
            features: nothing is lost by that.
        """
        pictures = [group.images for group in self.state.groups]
        # What has no features cannot be summed up again either; whoever reads them tells.
        if arrays is None or not self._store.room_for_pictures(self._dimensions):
            return None
        with contextlib.suppress(KeyError, ValueError, TypeError):
            return GramStatistics.from_arrays(arrays, pictures, self._dimensions)
        return None

    def solve(self, statistics: Statistics | None = None) -> tuple[Router, LeftOut]:
        """Solve this generation's router.

        Args:
            statistics: its sums, where they are known already.

        Returns:
            The router, and the left-out answers that its settings were chosen by.
        """
        tasks = [
            TaskColumns(columns, self._opinion(task) if len(task.groups) > 1 else None)
            for task, columns in zip(self.state.tasks, self.columns, strict=True)
        ]
        refused = float(self._store.settings["refused"])
        try:
            return fit_router(
                statistics or self.statistics(),
                self.cached,
                self.label_of_group,
                tasks,
                refused,
                things=self.thing_of_group,
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
        logs, above = self._log_posterior(features, z)
        familiarity = self.router.familiarity.score(self._signs(z, above))
        if burst:
            # Frames of one object err alike, so their evidence is averaged, not multiplied.
            logs = log_softmax(logs.mean(axis=0, keepdims=True))
            above = above.mean(axis=0, keepdims=True)
            familiarity = familiarity.mean(keepdims=True)
        posterior = by_label(logs, self.label_of_group, len(self.state.labels))
        threshold = self.router.familiarity.threshold
        return [
            self._answer(row, logs[place], above[place], float(familiarity[place]), threshold, top, least)
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
        return self._signs(z, self.router.ask(z)[1])

    def _signs(self, z: Array, above: Array) -> Array:
        try:
            return self.router.signs(z, above)
        # Inner products that no features have: the router is kept in the store.
        except np.linalg.LinAlgError:
            raise damaged(self._store.path) from None

    def _log_posterior(self, features: Array, z: Array, modules: bool = True) -> tuple[Array, Array]:
        """Give log-probabilities [n, g], and the router's scores beyond the background [n, g]."""
        router = self.router
        logs, above = router.ask(z)
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
                task, columns = self.state.tasks[place], self.columns[place]
                if len(task.groups) > 1:
                    rows = slice(None) if len(x) == 1 else (asked == place).any(axis=1)
                    module = self._module(task.module)
                    opinion = module.scale * module.cosines(x[rows])
                    logs[rows, columns] = refine(logs[rows], columns, opinion, router.module_weight)
        return logs, above

    def _least_probability(self, coverage: float, burst: bool) -> float:
        if burst or self._rule == "entropy":
            what = "a burst" if burst else "the paper's rule (--router entropy)"
            raise LearnError(f"label sets are calibrated for the default router and one picture, not {what}")
        return least_probability(self.router.calibration, coverage)

    def _answer(
        self,
        posterior: Array,
        logs: Array,
        above: Array,
        familiarity: float,
        threshold: float,
        top: int,
        least: float | None,
    ) -> Answer:
        labels = self.state.labels
        order = _largest(posterior, max(top, 1))
        guesses = tuple(Guess(labels[place], float(posterior[place])) for place in order)
        groups = np.flatnonzero(self.label_of_group == order[0])
        # Lessons with one mean are equally probable; the nearest one is told.
        best = groups[logs[groups] == logs[groups].max()]
        task = self.state.tasks[self.task_of_group[best[np.argmax(above[best])]]]
        return Answer(
            label=guesses[0].label,
            confidence=guesses[0].confidence,
            unknown=familiarity < threshold,
            task=task.name,
            top=guesses[:top],
            familiarity=familiarity,
            milliseconds={},
            set=None if least is None else tuple(labels[place] for place in label_set(posterior, least)),
        )

    def _opinion(self, task: Task) -> Array:
        evidence = self._store.evidence(task.module)
        images = sum(group.images for group in task.groups)
        if len(evidence) != images and self._store.tasks_of(task.module) > 1:
            # The same pictures were taught twice, and thinned in between: what is kept is of one of the two.
            return np.full((images, len(task.groups)), np.nan, np.float32)
        cosines = checked_evidence(evidence, task.groups, self._store.path)
        return log_softmax(scale_of(self._store.module(task.module)) * cosines)


def _read_module(store: Store, digest: str) -> Module:
    return compact(Module.from_bytes(store.module(digest)))


def _read_conditioned(store: Store, group: Group) -> Array:
    return condition(store.features(group))


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
