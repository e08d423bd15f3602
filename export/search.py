"""Try recipes on a backbone, measure each in its runtime, and choose the fastest that pass the gate."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_tosca.errors import EdgeToscaError
from edge_tosca.export.candidate import Pixels, Quantized, Runner, Workbench, open_runner
from edge_tosca.export.fidelity import Fidelity, measure_accuracies, measure_cosines, measure_fidelity
from edge_tosca.export.recipe import Recipe
from edge_tosca.export.timing import processor_milliseconds
from edge_tosca.runtime.golden import GOLDEN_FLOOR, cosine
from edge_tosca.runtime.manifest import BACKBONE

if TYPE_CHECKING:
    import onnx

LEAST_MEAN_COSINE = {"cnn": 0.995, "vit": 0.998}
"""Least mean cosine to FP32 features for each family."""
MUCH_SLOWER = 1.1
"""Factor on a graph's time from which on OpenVINO gets one of its own."""
MOST_ACCURACY_LOSS = 0.005
"""Largest loss of accuracy beyond chance, as a share of the held-out pictures, for either classifier."""


@dataclass(frozen=True)
class HeldOut:
    """Held-out pictures for the evaluation.

    Attributes:
        inputs: preprocessed pictures, float32 [1, 3, size, size] each.
        labels: a class name for each.
        golden: preprocessed golden pictures, float32 [1, 3, size, size] each.
        data: names of the data sets.
        references: preprocessed other photographs, float32 [1, 3, size, size] each; may be empty.
        reference_data: what they are.
    """

    inputs: Sequence[Pixels]
    labels: Sequence[str]
    golden: Sequence[Pixels]
    data: str
    references: Sequence[Pixels] = ()
    reference_data: str = ""


@dataclass(frozen=True, eq=False)
class Trial:
    """A recipe and the measurements of its graph.

    Attributes:
        recipe: the recipe.
        quantized: the quantized files; None if the recipe failed, like all further attributes but the fault.
        fidelity: to the FP32 graph, on held-out pictures.
        runtime: that ran the graph; the recipe's own by default.
        reference: fidelity on the reference pictures; None without any.
        golden: float32 [g, d], the graph's features of the golden pictures.
        milliseconds: processor time for a picture, in its runtime on one thread.
        fault: why the graph must not be used; empty where it passes the gate.
    """

    recipe: Recipe
    quantized: Quantized | None = None
    fidelity: Fidelity | None = None
    golden: NDArray[np.float32] | None = None
    milliseconds: float | None = None
    fault: str = ""
    runtime: str = ""
    reference: Fidelity | None = None

    @property
    def runs_in(self) -> str:
        """The runtime that ran the graph."""
        return self.runtime or self.recipe.runtime

    @property
    def name(self) -> str:
        """The recipe and the runtime, which together are one row of the table."""
        return f"{self.recipe.name} in {self.runs_in}"

    @property
    def judged(self) -> Fidelity | None:
        """The worse fidelity, by the mean cosine: of the held-out pictures or the references."""
        if self.fidelity is None or self.reference is None:
            return self.fidelity
        return min(self.reference, self.fidelity, key=lambda one: one.cosine_mean)


@dataclass(frozen=True)
class Search:
    """The result of a search.

    Attributes:
        trials: one for each recipe.
        milliseconds: of FP32 in ONNX Runtime on one thread, measured in the same run.
        size: of the FP32 graph in bytes.
        images: number of held-out pictures.
        chosen: the trials to use, at most one for each runtime.
    """

    trials: tuple[Trial, ...]
    milliseconds: float
    size: int
    images: int
    chosen: tuple[Trial, ...]

    def entry(self) -> dict[str, Any]:
        """Return the manifest's ``search`` entry."""
        return {
            "threads": 1,
            "images": self.images,
            "fp32": {"milliseconds": round(self.milliseconds, 2), "bytes": self.size},
            "trials": [self._row(trial) for trial in self.trials],
        }

    def _row(self, trial: Trial) -> dict[str, Any]:
        fidelity = {} if trial.fidelity is None else trial.fidelity.entry()
        time = trial.milliseconds
        return {
            "recipe": trial.recipe.name,
            "runtime": trial.runs_in,
            "milliseconds": None if time is None else round(time, 2),
            "speedup": None if time is None else round(self.milliseconds / time, 2),
            "bytes": None if trial.quantized is None else trial.quantized.size,
            **{
                key: fidelity.get(key) for key in ("cosine", "nearest_mean_accuracy", "linear_probe_accuracy")
            },
            "reference_cosine": None if trial.reference is None else trial.reference.entry()["cosine"],
            "fault": trial.fault,
            "chosen": trial in self.chosen,
        }


def search(
    graph: "onnx.ModelProto",
    family: str,
    recipes: Sequence[Recipe],
    calibration: Sequence[Pixels],
    held_out: HeldOut,
    *,
    force: bool = False,
    on_step: Callable[[str], None] = lambda _: None,
) -> Search:
    """Try recipes and choose, for each runtime, the fastest that passes the gate.

    Every graph for ONNX Runtime is measured in OpenVINO, too. There it is preferred to a graph that only
    OpenVINO runs unless that is faster by more than MUCH_SLOWER: one file serves both.

    The gate requires a least mean cosine to FP32 features, on held-out pictures and on references, a loss of
    at most half a point of accuracy beyond chance for either classifier, and, in OpenVINO, agreement with the
    golden features of ONNX Runtime's graph.

    Args:
        graph: the FP32 graph.
        family: "cnn" or "vit".
        recipes: to try.
        calibration: preprocessed calibration pictures, float32 [1, 3, size, size] each.
        held_out: other pictures, for the evaluation.
        force: where none of a runtime's recipes passes, choose the one with the highest mean cosine.
        on_step: called with one line at the start of each step.

    Returns:
        All trials and the choice.

    Raises:
        EdgeToscaError: the FP32 graph computes features that are not finite.
    """
    serialized = graph.SerializeToString()
    original = open_runner({BACKBONE: serialized})
    features = _features(original, held_out.inputs)
    if not np.isfinite(features).all():
        raise EdgeToscaError("the graph computes features that are not finite numbers; check the weights")
    accuracies = measure_accuracies(features, held_out.labels)
    others = _features(original, held_out.references) if held_out.references else None
    workbench = Workbench(graph, calibration)
    trials: list[Trial] = []
    runners: dict[str, Runner] = {"": original}
    for recipe in recipes:
        on_step(f"trying {recipe.name}")
        quantized: Quantized | None = None
        for runtime in _runtimes(recipe):
            try:
                quantized = quantized or workbench.quantize(recipe)
                run = quantized.open(runtime)
                found = _features(run, held_out.inputs)
            # A tool that fails on a graph is one row of the table, not the end of the search.
            except Exception as error:
                reason = str(error).strip().split("\n")[0]
                fault = f"failed: {type(error).__name__} {reason:.80}"
                trials.append(Trial(recipe, fault=fault, runtime=runtime))
                if quantized is None:
                    break
                continue
            fidelity = measure_fidelity(features, found, held_out.labels, held_out.data, accuracies)
            reference = None
            if others is not None:
                there = _features(run, held_out.references)
                reference = measure_cosines(others, there, held_out.reference_data)
            golden = _features(run, held_out.golden)
            trial = Trial(recipe, quantized, fidelity, golden, runtime=runtime, reference=reference)
            trials.append(replace(trial, fault=_fault(family, trial)))
            runners[trial.name] = run
    on_step("measuring milliseconds in turns")
    milliseconds = processor_milliseconds(runners, held_out.inputs[0])
    trials = [replace(trial, milliseconds=milliseconds.get(trial.name)) for trial in trials]
    on_cpu = _best(trials, "onnxruntime", force)
    recorded = on_cpu.golden if on_cpu is not None else None
    if recorded is None:
        recorded = _features(original, held_out.golden)
    trials = [_checked_against_golden(trial, recorded) for trial in trials]
    chosen = (on_cpu, _best_in_openvino(trials, on_cpu, force))
    return Search(
        trials=tuple(trials),
        milliseconds=milliseconds[""],
        size=len(serialized),
        images=len(held_out.inputs),
        chosen=tuple(trial for trial in chosen if trial is not None),
    )


def _features(run: Runner, inputs: Sequence[Pixels]) -> NDArray[np.float32]:
    return np.stack([run(pixels) for pixels in inputs])


def _runtimes(recipe: Recipe) -> tuple[str, ...]:
    return (recipe.runtime,) if recipe.runtime == "openvino" else ("onnxruntime", "openvino")


def _fault(family: str, trial: Trial) -> str:
    floor = LEAST_MEAN_COSINE[family]
    judged, fidelity = trial.judged, trial.fidelity
    if judged is None or fidelity is None:
        raise AssertionError("a trial that failed is not judged")
    if not judged.cosine_mean >= floor:
        where = "" if judged is fidelity else " on reference pictures"
        return f"mean cosine under {floor}{where}"
    if fidelity.certain_loss > MOST_ACCURACY_LOSS:
        return f"loses {100 * fidelity.certain_loss:.1f} points of accuracy beyond chance"
    return ""


def _best(trials: Sequence[Trial], runtime: str, force: bool) -> Trial | None:
    ready = [trial for trial in trials if trial.runs_in == runtime and trial.fidelity is not None]
    passing = [trial for trial in ready if not trial.fault]
    if passing:
        return min(passing, key=lambda trial: trial.milliseconds or math.inf)
    if force and ready:
        return max(ready, key=lambda trial: trial.judged.cosine_mean if trial.judged else -1.0)
    return None


def _best_in_openvino(trials: Sequence[Trial], on_cpu: Trial | None, force: bool) -> Trial | None:
    """Choose OpenVINO's graph: the one that ONNX Runtime runs, unless another is much faster."""
    best = _best(trials, "openvino", force)
    if best is None or on_cpu is None:
        return best
    shared = [
        trial
        for trial in trials
        if trial.runs_in == "openvino" and trial.recipe == on_cpu.recipe and not trial.fault
    ]
    if not shared or best.fault:
        return shared[0] if shared else best
    slow, fast = shared[0].milliseconds or math.inf, best.milliseconds or math.inf
    return shared[0] if slow <= MUCH_SLOWER * fast else best


def _checked_against_golden(trial: Trial, recorded: NDArray[np.float32]) -> Trial:
    """Fail an OpenVINO graph that a device would refuse: the bundle records ONNX Runtime's features."""
    if trial.runs_in != "openvino" or trial.golden is None or trial.fault:
        return trial
    least = min(cosine(a, b) for a, b in zip(recorded, trial.golden, strict=True))
    fault = f"golden cosine {least:.3f} under {GOLDEN_FLOOR}" if least < GOLDEN_FLOOR else ""
    return replace(trial, fault=fault)
