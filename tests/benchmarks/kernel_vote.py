"""The kernel vote beside the router: one lesson of all pictures, with and without it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_tosca.arrays import Array
from edge_tosca.bench.data import LabelledFeatures, protocol
from edge_tosca.bench.table import as_table
from edge_tosca.classifier.calibration.posterior import refine
from edge_tosca.classifier.evidence_gain import SURE
from edge_tosca.classifier.evidence_sample import Sample, TaskColumns
from edge_tosca.classifier.kernel_vote import KernelVote, may_vote
from edge_tosca.classifier.lda.blocked_folds import choose_blocks
from edge_tosca.classifier.lda.statistics import statistics_of
from edge_tosca.classifier.router_fit import SAMPLE, fit_router
from edge_tosca.classifier.vote_trial import judge_vote
from edge_tosca.features.normalization import normalize
from edge_tosca.system.blas import one_blas_thread

_TRAIN_SHARE = 0.6
_REFUSED = 0.05
_LEAST = 1e-30


@dataclass(frozen=True)
class Trial:
    """One split of a set, taught as one lesson; accuracies in 0 .. 1 on single test pictures.

    Attributes:
        data: name of the set.
        seed: of the split; 0 is the set's own.
        pictures: of a class, on average.
        router: accuracy of the router alone.
        difference: what the best vote changes on each test picture, -1, 0 or 1, whether it passes or not.
        weight: of the best vote.
        sharpness: of the best vote.
        by_picture: standard errors by which it lowers the held-out loss, over pictures.
        by_block: the same over blocks.
        errors_by_block: standard errors over blocks by which it lowers the held-out errors.
        chosen: whether it passes.
    """

    data: str
    seed: int
    pictures: float
    router: float
    difference: tuple[int, ...]
    weight: float
    sharpness: float
    by_picture: float
    by_block: float
    errors_by_block: float
    chosen: bool


def merged(data: LabelledFeatures, count: int, in_order: bool = False) -> LabelledFeatures:
    """Merge the classes of a set at random into so many of several modes.

    Args:
        data: the set.
        count: of merged classes.
        in_order: keep the order of pictures: one class after the other; they are mixed otherwise.

    Returns:
        The set with these classes.
    """
    rng = np.random.default_rng(0)
    of = rng.permutation(len(data.classes)) % count
    every = np.arange(len(data.train_labels))
    order = every if in_order else rng.permutation(every)
    return replace(
        data,
        name=f"{data.name}, {len(data.classes)} classes merged to {count}{', in order' if in_order else ''}",
        classes=tuple(f"group {number}" for number in range(count)),
        train=data.train[order],
        train_labels=of[data.train_labels[order]],
        test_labels=of[data.test_labels],
    )


def measure(
    sets: Sequence[LabelledFeatures], widths: Sequence[int], seeds: int, on_step: Callable[[str], None]
) -> Iterator[Trial]:
    """Measure.

    Args:
        sets: with all parts.
        widths: of the parts.
        seeds: splits of each set; the first is its own.
        on_step: called with one line before each.

    Yields:
        One trial for each set and split with enough pictures to vote.
    """
    for data in sets:
        for seed in range(seeds):
            on_step(f"{data.name}, split {seed}")
            split = _split(data, seed) if seed else data
            drawn = protocol(split, len(split.classes), None, 0)
            if may_vote([len(rows) for rows in drawn.groups]):
                with one_blas_thread():
                    yield _trial(data.name, seed, drawn.groups, drawn.test, drawn.truth, widths)


def _split(data: LabelledFeatures, seed: int) -> LabelledFeatures:
    features = np.concatenate([data.train, data.test])
    labels = np.concatenate([data.train_labels, data.test_labels])
    order = np.random.default_rng(seed).permutation(len(labels))
    cut = int(_TRAIN_SHARE * len(order))
    train, test = order[:cut], order[cut:]
    return replace(
        data,
        train=features[train],
        train_labels=labels[train],
        test=features[test],
        test_labels=labels[test],
    )


def _trial(
    name: str, seed: int, groups: Sequence[Array], test: Array, truth: Array, widths: Sequence[int]
) -> Trial:
    normalized = [normalize(rows, widths) for rows in groups]
    columns, counts = slice(0, len(groups)), np.array([len(rows) for rows in groups])
    several = widths if len(widths) > 1 else ()
    router, held_out = fit_router(
        statistics_of(normalized),
        normalized.__getitem__,
        range(len(groups)),
        [TaskColumns(columns, None)],
        _REFUSED,
        widths=several,
    )
    viewed = [router.view(rows) for rows in normalized]
    blocks = choose_blocks(counts, SAMPLE, columns)
    numbers = np.repeat(np.arange(len(blocks)), [len(block.rows) for block in blocks])
    z = np.concatenate([viewed[block.group][block.rows] for block in blocks])
    logs = np.log(np.maximum(held_out.posterior, _LEAST))
    sample = Sample(logs, z, held_out.groups, held_out.rows, numbers)
    trial = judge_vote(sample, viewed.__getitem__, counts, [TaskColumns(columns, None, votes=True)])
    assert trial is not None
    asked = router.view(normalize(test, widths))
    answers = router.scores(asked)[0]
    opinion = KernelVote.of(viewed.__getitem__, counts.tolist()).opinion(asked, trial.vote.sharpness)
    right = answers.argmax(axis=1) == truth
    with_vote = refine(answers, columns, opinion, trial.vote.weight).argmax(axis=1) == truth
    return Trial(
        name,
        seed,
        float(counts.mean()),
        float(right.mean()),
        tuple((with_vote.astype(int) - right).tolist()),
        trial.vote.weight,
        trial.vote.sharpness,
        *trial.gain.standard_errors,
        trial.gain.passes(SURE),
    )


def markdown(trials: Sequence[Trial]) -> str:
    """Write a table of all trials, one row each, and a mean of each set."""
    rows = []
    for trial in trials:
        errors = (trial.by_picture, trial.by_block, trial.errors_by_block)
        product = _gain(trial.difference) if trial.chosen else "0"
        settings = f"{trial.weight:g}, {trial.sharpness:g}"
        cells = [trial.data, str(trial.seed), f"{trial.pictures:.0f}", f"{100 * trial.router:.2f}", settings]
        rows.append([*cells, *(f"{error:.1f}" for error in errors), _gain(trial.difference), product])
    for name in dict.fromkeys(trial.data for trial in trials):
        some = [trial for trial in trials if trial.data == name]
        if len(some) > 1:
            forced, product = (
                f"{100 * np.mean([np.mean(t.difference) * (t.chosen or forced) for t in some]):+.2f}"
                for forced in (True, False)
            )
            accuracy = f"{100 * np.mean([t.router for t in some]):.2f}"
            rows.append([name, "mean", "", accuracy, "", "", "", "", forced, product])
    heads = ["set", "split", "pictures a class", "router", "weight, g", "loss", "loss by block"]
    return as_table([*heads, "errors by block", "gain of the best vote", "gain of the learner"], rows)


def _gain(difference: Sequence[int]) -> str:
    values = np.array(difference, float)
    return f"{100 * values.mean():+.2f} ± {100 * values.std(ddof=1) / np.sqrt(len(values)):.2f}"
