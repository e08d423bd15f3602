"""An exported model beside its learner: equal answers, size and time; and across runtimes."""

import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_tosca.bench.table import as_table
from edge_tosca.learner.learner import Learner
from edge_tosca.results import Answer
from edge_tosca.runtime import load_picture
from edge_tosca.runtime.no_telemetry import import_onnxruntime, import_openvino
from edge_tosca.takeaway.export_model import export_model
from edge_tosca.vision.image_folder import list_images

_OUTPUTS = ("label", "probabilities", "unknown", "unknown_probability")


@dataclass(frozen=True)
class Parity:
    """One set: a learner of all its training pictures, and its exported model.

    Attributes:
        data: name of the set.
        classes: of the learner.
        pictures: that were asked.
        equal: of them with the same label and the same "unknown" in ONNX Runtime.
        worst: greatest difference of a probability in ONNX Runtime.
        openvino: share of pictures whose label the model gives in OpenVINO as the learner in ONNX Runtime.
        learner_openvino: the same of the learner itself, run by OpenVINO.
        megabytes: of the file.
        learner_ms: median time of backbone and answer in the learner, one thread.
        model_ms: of the model.
        ratio: median of model over learner, picture by picture.
    """

    data: str
    classes: int
    pictures: int
    equal: int
    worst: float
    openvino: float
    learner_openvino: float
    megabytes: float
    learner_ms: float
    model_ms: float
    ratio: float


def measure(folders: Sequence[Path], most: int, on_step: Callable[[str], None]) -> Iterator[Parity]:
    """Measure.

    Args:
        folders: with train and test folders, or of class folders, which are then taught and asked.
        most: pictures to ask of each set, evenly picked.
        on_step: called with one line before each set.

    Yields:
        One row for each set.
    """
    for folder in folders:
        name = folder.parent.name if folder.name == "all" else folder.name
        on_step(name)
        train, test = (folder / part if (folder / part).is_dir() else folder for part in ("train", "test"))
        with tempfile.TemporaryDirectory() as place:
            store, file = Path(place) / "shop.tosca", Path(place) / "model.onnx"
            with Learner.create(store, threads=1) as learner:
                learner.learn(train, force=True)
                export_model(learner, file)
                paths = [path for found in list_images(test).pictures.values() for path in found]
                asked = paths[:: max(1, len(paths) // most)]
                yield _compare(name, learner, store, file, asked)


def _compare(name: str, learner: Learner, store: Path, file: Path, paths: Sequence[Path]) -> Parity:
    preprocessing = learner.vision.bundle.preprocessing
    runtime = import_onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(str(file), options)
    labels: list[str] = json.loads(session.get_modelmeta().custom_metadata_map["labels"])
    other = _in_openvino(file)
    equal, worst, same, own, times = 0, 0.0, 0, 0, []
    backend = learner.vision.backend
    with Learner.open(store, runtime="openvino", threads=1) as elsewhere:
        for path in paths:
            pixels = preprocessing.crop(load_picture(path))
            start = time.perf_counter()
            feature = backend.features(preprocessing.normalise(pixels))
            (answer,) = learner.predict_features(feature[None], top=len(labels))
            middle = time.perf_counter()
            label, probabilities, unknown, refused = session.run(_OUTPUTS, {"picture": pixels[None]})
            times.append((middle - start, time.perf_counter() - middle))
            named = labels[int(label[0])]
            equal += (named, bool(unknown[0])) == (answer.label, answer.unknown)
            worst = max(worst, _difference(answer, labels, probabilities[0], float(refused[0])))
            same += labels[other(pixels[None])] == answer.label
            theirs = elsewhere.vision.backend.features(preprocessing.normalise(pixels))
            own += elsewhere.predict_features(theirs[None])[0].label == answer.label
    took = 1e3 * np.array(times)
    return Parity(
        name,
        len(labels),
        len(paths),
        equal,
        worst,
        same / len(paths),
        own / len(paths),
        file.stat().st_size / 1e6,
        float(np.median(took[:, 0])),
        float(np.median(took[:, 1])),
        float(np.median(took[:, 1] / took[:, 0])),
    )


def _difference(answer: Answer, labels: list[str], found: NDArray[np.float32], refused: float) -> float:
    differences = [abs(guess.probability - float(found[labels.index(guess.label)])) for guess in answer.top]
    return max(*differences, abs(answer.unknown_probability - refused))


def _in_openvino(file: Path) -> Callable[[NDArray[np.uint8]], int]:
    core = import_openvino().Core()
    how = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    model = core.compile_model(str(file), "CPU", how)
    return lambda pixels: int(model({"picture": pixels})["label"][0])


def markdown(rows: Sequence[Parity]) -> str:
    """Write a table, one row for each set."""
    header = ["set", "classes", "equal answers", "worst difference", "equal labels in OpenVINO"]
    header += ["the learner's own there", "MB", "learner, ms", "model, ms", "ratio"]
    cells = [
        [
            row.data,
            str(row.classes),
            f"{row.equal} of {row.pictures}",
            f"{row.worst:.1e}",
            f"{100 * row.openvino:.1f} %",
            f"{100 * row.learner_openvino:.1f} %",
            f"{row.megabytes:.1f}",
            f"{row.learner_ms:.1f}",
            f"{row.model_ms:.1f}",
            f"{row.ratio:.2f}",
        ]
        for row in rows
    ]
    return as_table(header, cells)
