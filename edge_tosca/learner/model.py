"""The model of one generation: it predicts features, and changes nothing."""

import contextlib
from collections.abc import Set
from functools import cached_property, partial

import numpy as np

from edge_tosca.arrays import Array, log_softmax
from edge_tosca.classifier.calibration.conformal import label_set, least_probability
from edge_tosca.classifier.calibration.posterior import by_label, refine
from edge_tosca.classifier.kernel_vote import KernelVote
from edge_tosca.classifier.router import NEGLIGIBLE, PROPOSED, Router
from edge_tosca.errors import LearnError, NothingLearnedError
from edge_tosca.features.normalization import module_input, normalize
from edge_tosca.learner.cached_votes import CachedVotes
from edge_tosca.learner.lru_cache import Cache
from edge_tosca.learner.normalized_features import NormalizedFeatures
from edge_tosca.learner.refit import solve_router
from edge_tosca.learner.strictness import Strictness, read_strictness
from edge_tosca.learner.task_training import is_cross_fitted
from edge_tosca.results import Answer, Guess
from edge_tosca.store.state import State, Task
from edge_tosca.store.store import Store
from edge_tosca.store.validation import damaged_store
from edge_tosca.tosca.entropy_selection import entropy_log_posterior
from edge_tosca.tosca.pruning import memory_bytes, prune
from edge_tosca.tosca.task_module import Module

_MODULE_BYTES = 48 << 20


class Model:
    """A read-only view of one generation of a store.

    Attributes:
        state: the tasks and classes.
        features_of: normalised features of a group by its index, float32 [n, d].
        rule: "fused", or "entropy" for the paper's.
    """

    def __init__(self, store: Store, state: State) -> None:
        self.state = state
        self.features_of = NormalizedFeatures(store, state)
        self._store = store
        self.rule = store.settings["router"]
        self._dimensions = int(store.settings["feature_dim"])
        # Of the store alone, see `NormalizedFeatures`.
        self._module = Cache(partial(_read_module, store), memory_bytes, _MODULE_BYTES)
        self._votes = CachedVotes(store, state)
        self._has_evidence = Cache(partial(_read_has_evidence, store), lambda _: 1, _MODULE_BYTES)

    @cached_property
    def router(self) -> Router:
        """The router that was solved when this generation was made."""
        arrays = self._store.derived("routers")
        if arrays is not None:
            # Arrays of another version of this program, or damaged ones: the router is solved again.
            with contextlib.suppress(KeyError, ValueError, TypeError):
                groups, widths = len(self.state.groups), self._store.widths
                return Router.from_arrays(arrays, groups, self._dimensions, widths)
        return solve_router(self._store, self.state, self.features_of)[0]

    def predict(
        self,
        features: Array,
        top: int,
        burst: bool = False,
        coverage: float | None = None,
        among: Set[str] | None = None,
    ) -> list[Answer]:
        """Predict features, each on its own unless they are a burst.

        Args:
            features: [n, d].
            top: number of guesses in an answer.
            burst: the features are views of one object and get one answer.
            coverage: probability with which an answer's set of labels is to contain the true one.
            among: labels that can be answered; None for all.

        Returns:
            One answer per feature, or one in all.

        Raises:
            LearnError: nothing was learned yet, there is no such label set, or no label of `among` is known.
        """
        least = self.require_answers(coverage, burst)
        z = self.normalized(features)
        log_posterior, margins = self.router.scores(z)
        log_posterior = self._refine(features, z, log_posterior)
        router, seen = self.router, margins
        if among is not None:
            groups = self._groups_of(among)
            router, seen = router.among(groups), margins[:, groups]
            log_posterior = _only(log_posterior, groups)
            top = min(top, len(set(self.state.label_of_group[groups].tolist())))
        ood_scores = self._ood_scores(router, z, seen)
        none = self._none_probability(router, z, seen, burst)
        return self._answers(log_posterior, margins, ood_scores, none, top, burst, least)

    def require_answers(self, coverage: float | None = None, burst: bool = False) -> float | None:
        """Raise where no picture could be answered.

        Args:
            coverage: as for `predict`.
            burst: as for `predict`.

        Returns:
            The least probability of a label in a set of this coverage; None without a coverage.

        Raises:
            LearnError: nothing was learned yet, or there is no such label set.
        """
        if not self.state.tasks:
            raise NothingLearnedError(self._store.path)
        return None if coverage is None else self._least_probability(coverage, burst)

    def posterior(self, features: Array, modules: bool = True) -> Array:
        """Compute the probabilities of all labels, each feature on its own.

        Args:
            features: [n, d].
            modules: refine with the modules or votes; without them the router decides alone.

        Returns:
            [n, labels], in the order of `state.labels`.
        """
        z = self.normalized(features)
        log_posterior = self._refine(features, z, self.router.scores(z)[0], modules)
        return by_label(log_posterior, self.state.label_of_group, len(self.state.labels))

    def ood_statistics(self, features: Array) -> Array:
        """Compute the OOD statistics, each feature on its own.

        Args:
            features: [n, d].

        Returns:
            Direction, relative distance and nearness, float64 [n, 3].
        """
        z = self.normalized(features)
        return self.router.ood.statistics(z, self.router.scores(z)[1])

    def _groups_of(self, labels: Set[str]) -> Array:
        places = [place for place, group in enumerate(self.state.groups) if group.label in labels]
        if not places:
            raise LearnError(f"{self._store.path} knows none of the classes that may be answered here")
        return np.array(places)

    def normalized(self, features: Array) -> Array:
        """Normalise features and weigh their parts: what the router reads.

        Args:
            features: [n, d].

        Returns:
            float32 [n, d], or the first part alone where the weight of the others is 0.
        """
        return self.router.view(normalize(features, self._store.widths))

    @staticmethod
    def _none_probability(router: Router, z: Array, margins: Array, burst: bool) -> Array:
        # Linear scores of one object's frames are averaged, as their margins are.
        if burst:
            z, margins = z.mean(axis=0, keepdims=True), margins.mean(axis=0, keepdims=True)
        return router.none_probability(z, margins)

    def _ood_scores(self, router: Router, z: Array, margins: Array) -> Array:
        try:
            return router.ood.score(z, margins)
        # Inner products that no features have: the stored router is damaged.
        except np.linalg.LinAlgError:
            raise damaged_store(self._store.path) from None

    def _refine(self, features: Array, z: Array, log_posterior: Array, modules: bool = True) -> Array:
        """Refine the router's log-probabilities [n, g] by the evidence of the most probable tasks."""
        if self.rule == "entropy":
            # The paper's modules read the feature as it is.
            return entropy_log_posterior(self.modules(), self._store.first_part(features).astype(np.float32))
        vote = self.router.vote
        if not modules or (vote is None and self.router.module_weight <= 0):
            return log_posterior
        logs, task_of_group = log_posterior, self.state.task_of_group
        proposed = np.argpartition(-logs, min(PROPOSED, logs.shape[1]) - 1, axis=1)[:, :PROPOSED]
        chances = logs[np.arange(len(z))[:, None], proposed]
        likely = chances >= chances.max(axis=1, keepdims=True) - NEGLIGIBLE
        tasks = np.where(likely, task_of_group[proposed], -1)
        for place in set(tasks[likely].tolist()):
            rows = slice(None) if len(z) == 1 else (tasks == place).any(axis=1)
            if vote is None:
                weight, opinion = self.router.module_weight, self._module_opinion(place, z[rows])
            else:
                weight = vote.weight
                opinion = self._votes.opinion(place, z[rows], vote, self.router.part_weight)
            if opinion is not None:
                columns = self.state.columns[place]
                logs[rows, columns] = refine(logs[rows], columns, opinion, weight)
        return logs

    def module_with_evidence(self, place: int) -> Module | None:
        """Return the module of a task, by its place; None where it has shown nothing on held-out pictures."""
        task = self.state.tasks[place]
        if len(task.groups) < 2 or not self._has_evidence(task.module):
            return None
        return self._module_of(task)

    def modules(self) -> list[Module]:
        """Return the modules of all tasks, which the paper's rule asks."""
        return [self._module_of(task) for task in self.state.tasks]

    def vote_of(self, place: int) -> KernelVote | None:
        """Return the kernel vote of a task, by its place; None where it has too few pictures."""
        return self._votes.of(place, self.router.part_weight)

    def _module_opinion(self, place: int, z: Array) -> Array | None:
        """Compute the opinion of a task's module, [n, k]; None where it has shown nothing."""
        module = self.module_with_evidence(place)
        if module is None:
            return None
        opinion: Array = module.scale * module.cosines(module_input(self._store.first_part(z)))
        return opinion

    def _module_of(self, task: Task) -> Module:
        module = self._module(task.module)
        if len(module.prototypes) != len(task.groups):
            raise damaged_store(self._store.path)
        return module

    def _least_probability(self, coverage: float, burst: bool) -> float:
        if burst or self.rule == "entropy":
            what = "a burst" if burst else "the paper's rule (--router entropy)"
            raise LearnError(f"label sets are calibrated for the default router and one picture, not {what}")
        return least_probability(self.router.calibration, coverage)

    def _answers(
        self,
        log_posterior: Array,
        margins: Array,
        ood_scores: Array,
        none: Array,
        top: int,
        burst: bool,
        least: float | None,
    ) -> list[Answer]:
        if burst:
            # Frames of one object make the same errors, so their evidence is averaged, not multiplied.
            log_posterior = log_softmax(log_posterior.mean(axis=0, keepdims=True))
            margins = margins.mean(axis=0, keepdims=True)
            ood_scores = ood_scores.mean(keepdims=True)
        posterior = by_label(log_posterior, self.state.label_of_group, len(self.state.labels))
        strictness = read_strictness(self._store)
        return [
            self._answer(
                row,
                log_posterior[place],
                margins[place],
                float(ood_scores[place]),
                float(none[place]),
                top,
                least,
                strictness,
            )
            for place, row in enumerate(posterior)
        ]

    def _answer(
        self,
        posterior: Array,
        logs: Array,
        margins: Array,
        ood_score: float,
        none: float,
        top: int,
        least: float | None,
        strictness: Strictness,
    ) -> Answer:
        labels = self.state.labels
        order = _largest(posterior, max(top, 1))
        known = self.router.ood.known_probability(ood_score) * (1 - none)
        dial = strictness.of(self.state, labels[order[0]])
        guesses = tuple(
            Guess(labels[place], float(posterior[place]), known * float(posterior[place])) for place in order
        )
        groups = np.flatnonzero(self.state.label_of_group == order[0])
        # Groups that share a mean are equally probable; the answer names the task of the nearest one.
        best = groups[logs[groups] == logs[groups].max()]
        task = self.state.tasks[self.state.task_of_group[best[np.argmax(margins[best])]]]
        return Answer(
            label=guesses[0].label,
            confidence=guesses[0].confidence,
            unknown=none > 1 - dial or ood_score < self.router.ood.threshold_at(dial),
            task=task.name,
            top=guesses[:top],
            familiarity=ood_score,
            milliseconds={},
            probability=guesses[0].probability,
            unknown_probability=1 - known,
            set=None if least is None else tuple(labels[place] for place in label_set(posterior, least)),
        )


def _read_has_evidence(store: Store, digest: str) -> bool:
    """Return whether a module's weight was chosen on held-out pictures of its own, too."""
    return is_cross_fitted(store.evidence(digest))


def _only(log_posterior: Array, groups: Array) -> Array:
    """Return the log-probabilities [n, g] given that only some groups are possible."""
    possible = np.full_like(log_posterior, -np.inf)
    possible[:, groups] = log_posterior[:, groups]
    return log_softmax(possible)


def _read_module(store: Store, digest: str) -> Module:
    return prune(Module.from_bytes(store.module(digest)))


def _largest(values: Array, count: int) -> list[int]:
    """Find the largest values, the largest first and the earlier one of equals first."""
    if count < len(values):
        least = np.partition(values, -count)[-count]
        places = np.flatnonzero(values >= least)
    else:
        places = np.arange(len(values))
    order: list[int] = places[np.argsort(-values[places], kind="stable")][:count].tolist()
    return order
