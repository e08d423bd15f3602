"""The methods that edge-tosca is compared with, each on the same cached features."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_tosca.arrays import Array, log_softmax
from edge_tosca.classifier.lda.discriminant import discriminant, oas_shrinkage, precision
from edge_tosca.classifier.lda.statistics import GramStatistics, RowStatistics
from edge_tosca.errors import MissingExtraError
from edge_tosca.features.normalization import normalize
from edge_tosca.tosca.entropy_selection import entropy_log_posterior
from edge_tosca.tosca.luca import forward
from edge_tosca.tosca.task_module import Module
from edge_tosca.tosca.training import Training, fit

_RANPAC_WIDTH = 5000
_HELD_OUT = 0.2


def nearest_mean(groups: Sequence[Array], test: Array) -> Array:
    """Nearest class mean of unit features by cosine, which is what Coral's imprinting does.

    Args:
        groups: training features of each class, [n_c, d].
        test: features, [m, d].

    Returns:
        Index of the nearest class, int [m].
    """
    means = np.stack([_unit(rows).mean(axis=0) for rows in groups])
    nearest: Array = (_unit(test) @ _unit(means).T).argmax(axis=1)
    return nearest


def streaming_lda(groups: Sequence[Array], test: Array) -> Array:
    """Shrunken LDA on power-normalised features with the oracle-approximating shrinkage.

    Source: Hayes and Kanan, "Lifelong Machine Learning with Deep Streaming Linear Discriminant
    Analysis", 2020.

    Args:
        groups: training features of each class, [n_c, d].
        test: features, [m, d].

    Returns:
        Index of the most probable class, int [m].
    """
    normalized = [normalize(rows) for rows in groups]
    n, d = sum(map(len, groups)), test.shape[1]
    statistics = RowStatistics(tuple(normalized)) if n <= d else GramStatistics.of_groups(normalized, d)
    within = statistics.within()
    inverse = precision(within, n, oas_shrinkage(within, n))
    lda = discriminant(inverse, inverse.project(statistics.sums / statistics.counts[:, None]))
    best: Array = lda.scores(normalize(test)).argmax(axis=1)
    return best


def frozen_ranpac(groups: Sequence[Array], test: Array, seed: int) -> Array:
    """Ridge on a random ReLU projection of the features.

    Source: McDonnell and others, "RanPAC", NeurIPS 2023, sections 3.3 and 4.2: width 5000, the penalty
    chosen on a held-out fifth. Solved through the n x n kernel, which gives the same answer.

    Args:
        groups: training features of each class, [n_c, d].
        test: features, [m, d].
        seed: of the projection and the held-out fifth.

    Returns:
        Index of the best class, int [m].
    """
    rng = np.random.default_rng(seed)
    x = np.concatenate(groups).astype(np.float64)
    projection = rng.normal(size=(x.shape[1], _RANPAC_WIDTH))
    hidden = np.maximum(x @ projection, 0)
    kernel = hidden @ hidden.T
    target = np.repeat(np.eye(len(groups)), [len(rows) for rows in groups], axis=0)
    order = rng.permutation(len(x))
    held, kept = np.split(order, [max(1, int(_HELD_OUT * len(x)))])

    def loss(penalty: float) -> float:
        dual = np.linalg.solve(kernel[np.ix_(kept, kept)] + penalty * np.eye(len(kept)), target[kept])
        return float(np.mean((kernel[np.ix_(held, kept)] @ dual - target[held]) ** 2))

    penalty = min(10.0 ** np.arange(-2, 9), key=loss) if len(kept) else 1.0
    weights = hidden.T @ np.linalg.solve(kernel + penalty * np.eye(len(x)), target)
    best: Array = (np.maximum(test @ projection, 0) @ weights).argmax(axis=1)
    return best


def joint_probe(groups: Sequence[Array], test: Array, seed: int) -> Array:
    """Logistic regression on all classes at once, for which every feature must be kept.

    C, and raw or power-normalised features, are chosen on a held-out part.

    Args:
        groups: training features of each class, [n_c, d].
        test: features, [m, d].
        seed: of the held-out part.

    Returns:
        Index of the best class, int [m].

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import train_test_split
    except ModuleNotFoundError:
        raise MissingExtraError("scikit-learn", "demo") from None
    labels = np.repeat(np.arange(len(groups)), [len(rows) for rows in groups])
    raw = np.concatenate(groups)
    views = {"raw": (raw, test), "power": (normalize(raw), normalize(test))}
    grid = {"raw": (1e-3, 1e-2, 1e-1, 1.0), "power": (1.0, 10.0, 100.0, 1000.0)}

    def fitted(x: Array, y: Array, c: float) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return LogisticRegression(C=c, max_iter=300).fit(x, y)

    size = max(int(_HELD_OUT * len(labels)), len(groups))
    if np.bincount(labels).min() < 2 or size + len(groups) > len(labels):
        best = ("power", 10.0)
    else:
        kept, held = train_test_split(
            np.arange(len(labels)), test_size=size, stratify=labels, random_state=seed
        )
        best = max(
            ((view, c) for view in views for c in grid[view]),
            key=lambda choice: fitted(views[choice[0]][0][kept], labels[kept], choice[1]).score(
                views[choice[0]][0][held], labels[held]
            ),
        )
    x, y = views[best[0]]
    answer: Array = fitted(x, labels, best[1]).predict(y)
    return answer


@dataclass(frozen=True)
class PaperAnswers:
    """The paper's TOSCA under four ways of choosing the module.

    Attributes:
        single: least entropy for each picture on its own, int [m].
        sorted_batches: least mean entropy over batches of 48 taken class by class, as released.
        shuffled_batches: the same over shuffled batches.
        true_task: the module of the picture's own task, classes of that task only.
    """

    single: Array
    sorted_batches: Array
    shuffled_batches: Array
    true_task: Array


def paper_modules(groups: Sequence[Array], tasks: Sequence[slice]) -> list[Module]:
    """Train TOSCA task by task as its authors' released code does.

    Args:
        groups: training features of each class, [n_c, d].
        tasks: slices of groups.

    Returns:
        A module a task.
    """
    modules: list[Module] = []
    for task in tasks:
        x = np.concatenate(groups[task])
        labels = np.repeat(np.arange(task.stop - task.start), [len(rows) for rows in groups[task]])
        context = np.concatenate([module.prototypes for module in modules]) if modules else None
        # One sigma for the whole head: a task starts from the last one's, and the last one counts for all.
        training = Training(scale=modules[-1].scale) if modules else Training()
        fitted = fit(x, labels, task.stop - task.start, training, context)
        modules.append(Module("tosca", fitted.parameters, fitted.prototypes, fitted.scale))
    return modules


def paper_tosca(
    modules: Sequence[Module], tasks: Sequence[slice], test: Array, truth: Array, seed: int, batch: int = 48
) -> PaperAnswers:
    """Evaluate TOSCA as its authors' released code does.

    Source: arXiv 2502.14762 and its released code, see docs/method.md.

    Args:
        modules: of `paper_modules`.
        tasks: slices of the classes.
        test: features, [m, d].
        truth: index of each test picture's class; only for sorting and for true_task.
        seed: of the shuffling.
        batch: pictures over which the released evaluation averages.

    Returns:
        Answers, int [m] each.
    """
    x = test.astype(np.float32)
    rows = np.concatenate([module.prototypes for module in modules])
    logs, entropy = [], []
    for module in modules:
        output = _unit(forward(module.parameters, x, module.flow))
        log = log_softmax(modules[-1].scale * (output @ _unit(rows).T))
        logs.append(log)
        entropy.append(-np.sum(np.exp(log) * log, axis=1))
    log_posteriors, entropies = np.stack(logs), np.stack(entropy)
    by_class = np.argsort(truth, kind="stable")
    shuffled = np.random.default_rng(seed).permutation(len(truth))
    own = np.empty(len(truth), int)
    for place, task in enumerate(tasks):
        inside = (truth >= task.start) & (truth < task.stop)
        own[inside] = task.start + log_posteriors[place][inside, task].argmax(axis=1)
    return PaperAnswers(
        entropy_log_posterior(modules, x).argmax(axis=1),
        _in_batches(log_posteriors, entropies, by_class, batch),
        _in_batches(log_posteriors, entropies, shuffled, batch),
        own,
    )


def _in_batches(log_posteriors: Array, entropies: Array, order: Array, batch: int) -> Array:
    answers = np.empty(len(order), int)
    for start in range(0, len(order), batch):
        index = order[start : start + batch]
        module = int(entropies[:, index].mean(axis=1).argmin())
        answers[index] = log_posteriors[module][index].argmax(axis=1)
    return answers


def _unit(values: Array) -> Array:
    unit: Array = values / (np.linalg.norm(values, axis=1, keepdims=True) + 1e-12)
    return unit
