"""What one answer costs, part by part: decoding, preparing, the backbone on every runtime here, deciding."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from edge_tosca.bench.footprint import installed_megabytes
from edge_tosca.bench.memory import peak_of
from edge_tosca.bench.synthetic import SHOTS, features_of, noise_picture, task_features, textured_picture
from edge_tosca.bench.timing import in_turn
from edge_tosca.errors import EdgeToscaError, MissingExtraError
from edge_tosca.learner.learner import Learner
from edge_tosca.runtime import Backend, Bundle, load_picture, open_backend
from edge_tosca.runtime.no_telemetry import import_openvino
from edge_tosca.runtime.picture_folders import find_pictures
from edge_tosca.runtime.pictures import decoding_scale, open_picture
from edge_tosca.vision.feature_extractor import FeatureExtractor

_CLASSES = 10
_TURNS = 60
_PICTURE_TURNS = 15
_PHOTOGRAPHS = 20
_SIZES = ((320, 240), (640, 480), (1920, 1080), (4000, 3000))


@dataclass(frozen=True)
class BackboneTime:
    """One picture through the backbone.

    Attributes:
        runtime: "onnxruntime" or "openvino".
        device: for example "CPU" or "NPU".
        precision: "int8" or "fp32".
        threads: of the processor; None where another device computes.
        milliseconds: the fastest of several.
        times_fp32: how many times as fast as ONNX Runtime's FP32 with as many threads; None without FP32.
    """

    runtime: str
    device: str
    precision: str
    threads: int | None
    milliseconds: float
    times_fp32: float | None


@dataclass(frozen=True)
class Stages:
    """One answer to one picture, on one thread, in processor time.

    Attributes:
        picture: what it is.
        size: bytes of the file.
        scale: the picture's sides over the decoded one's.
        decode_ms: reading and decoding it.
        prepare_ms: resizing, cropping and scaling to the backbone's range.
        backbone_ms: its feature.
        decide_ms: the answer, by a learner of ten classes.
        exact_ms: decoding and preparing its every pixel.
    """

    picture: str
    size: int
    scale: int
    decode_ms: float
    prepare_ms: float
    backbone_ms: float
    decide_ms: float
    exact_ms: float

    @property
    def before_backbone(self) -> float:
        """Share of decoding and preparing in the answer, 0 to 1."""
        before = self.decode_ms + self.prepare_ms
        return before / (before + self.backbone_ms + self.decide_ms)


@dataclass(frozen=True)
class Pipeline:
    """The measurement. Times are the fastest of several; those that are compared were taken in turns.

    Attributes:
        backbones: each runtime, device, precision and number of threads.
        absent: parts that were not measured, and why.
        stages: each kind of picture.
        features_seconds: features of the 200 pictures (640 x 480) of ten classes.
        learn_seconds: learning them from their features.
        predict_megabytes: peak memory of a process that loads the backbone and a learner of them and answers.
        learn_megabytes: peak memory of one that loads them and learns ten further classes.
        installed_megabytes: of a device install, by package.
        openvino_megabytes: what the extra openvino adds; None where it is not installed.
    """

    backbones: tuple[BackboneTime, ...]
    absent: tuple[str, ...]
    stages: tuple[Stages, ...]
    features_seconds: float
    learn_seconds: float
    predict_megabytes: float | None
    learn_megabytes: float | None
    installed_megabytes: dict[str, float]
    openvino_megabytes: float | None

    def to_json(self) -> dict[str, Any]:
        """Return the measurement as plain values."""
        shares = [{**asdict(stages), "before_backbone": stages.before_backbone} for stages in self.stages]
        return {**asdict(self), "stages": shares}


def measure_pipeline(
    vision: FeatureExtractor,
    folder: Path,
    on_progress: Callable[[int, int], None],
    fp32: Path | None = None,
    photographs: Path | None = None,
) -> Pipeline:
    """Measure every part of an answer.

    Args:
        vision: the backbone, on one thread.
        folder: for a store.
        on_progress: called with the parts done and their number.
        fp32: a bundle of the same backbone in FP32; None to skip it.
        photographs: a folder of pictures that are measured too.

    Returns:
        The measurement.

    Raises:
        EdgeToscaError: the FP32 bundle is of another precision, or the folder holds no picture.
    """
    bundles = [vision.bundle, *([] if fp32 is None else [_fp32(fp32)])]
    absent: list[str] = [] if fp32 else ["fp32: no bundle of it was named with --fp32"]
    backbones = _backbones(bundles, absent)
    on_progress(1, 4)

    store = folder / "ten.tosca"
    features = task_features(0, _CLASSES, vision.bundle.feature_dim)
    with closing(Learner.create(store, bundle=vision.bundle_path, threads=1)) as learner:
        start = time.perf_counter()
        learner.learn_features(features, force=True)
        learn_seconds = time.perf_counter() - start
        start = time.perf_counter()
        features_of([noise_picture()] * (_CLASSES * SHOTS), vision)
        features_seconds = time.perf_counter() - start
        on_progress(2, 4)
        stages = tuple(_stages(name, files, learner, vision) for name, files in _pictures(photographs))
    on_progress(3, 4)
    installed = installed_megabytes()
    with_openvino = installed_megabytes("openvino")
    found = Pipeline(
        backbones=tuple(backbones),
        absent=tuple(absent),
        stages=stages,
        features_seconds=features_seconds,
        learn_seconds=learn_seconds,
        predict_megabytes=peak_of("predict", store),
        learn_megabytes=peak_of("learn", store),
        installed_megabytes=installed,
        openvino_megabytes=sum(with_openvino.values()) - sum(installed.values())
        if "openvino" in with_openvino
        else None,
    )
    on_progress(4, 4)
    return found


def _fp32(path: Path) -> Bundle:
    bundle = Bundle.load(path)
    if bundle.precision != "fp32":
        raise EdgeToscaError(f"{path} is {bundle.precision}; export it with --precision fp32")
    return bundle


def _backbones(bundles: list[Bundle], absent: list[str]) -> list[BackboneTime]:
    opened: list[tuple[Backend, str, int | None]] = []
    for runtime, device, threads in _engines(absent):
        for bundle in bundles:
            try:
                backend = open_backend(bundle, runtime, device, threads)
            except EdgeToscaError as error:
                absent.append(f"{runtime} {device} {bundle.precision}: {error}")
            else:
                opened.append((backend, bundle.precision, threads))
    size = bundles[0].preprocessing.size
    pixels = np.random.default_rng(0).normal(size=(1, 3, size, size)).astype(np.float32)
    times = in_turn([partial(backend.features, pixels) for backend, _, _ in opened], _TURNS, warm=True)
    fp32 = {
        threads: taken
        for (backend, precision, threads), taken in zip(opened, times, strict=True)
        if backend.name == "onnxruntime" and precision == "fp32"
    }
    all_threads = max((threads for threads in fp32 if threads), default=None)
    return [
        BackboneTime(
            backend.name,
            backend.device,
            precision,
            threads,
            taken,
            fp32[threads or all_threads] / taken if fp32 else None,
        )
        for (backend, precision, threads), taken in zip(opened, times, strict=True)
    ]


def _engines(absent: list[str]) -> Iterator[tuple[str, str, int | None]]:
    counts = sorted({1, os.cpu_count() or 1})
    yield from (("onnxruntime", "CPU", count) for count in counts)
    try:
        devices = import_openvino().Core().available_devices
    except MissingExtraError:
        absent.append("openvino: not installed")
        return
    for device in devices:
        if device == "CPU":
            yield from (("openvino", device, count) for count in counts)
        else:
            yield "openvino", device, None


def _pictures(photographs: Path | None) -> Iterator[tuple[str, list[bytes]]]:
    for width, height in _SIZES:
        yield f"JPEG, {width} x {height}", [textured_picture(width, height)]
    if photographs is not None:
        paths = find_pictures(photographs)
        if not paths:
            raise EdgeToscaError(f"{photographs} holds no picture; name a folder of photographs")
        chosen = paths[:: max(1, len(paths) // _PHOTOGRAPHS)][:_PHOTOGRAPHS]
        yield f"{len(chosen)} photographs of {photographs.name}", [path.read_bytes() for path in chosen]


def _stages(name: str, files: list[bytes], learner: Learner, vision: FeatureExtractor) -> Stages:
    rows = [_one(data, learner, vision) for data in files]
    decode, prepare, backbone, decide, exact = (float(np.mean(column)) for column in zip(*rows, strict=True))
    with open_picture(files[0]) as image:
        scale = decoding_scale(image, vision.bundle.preprocessing.decoded_side)
    size = int(np.mean([len(data) for data in files]))
    return Stages(name, size, scale, decode, prepare, backbone, decide, exact)


def _one(data: bytes, learner: Learner, vision: FeatureExtractor) -> list[float]:
    preprocessing, backend = vision.bundle.preprocessing, vision.backend
    with open_picture(data) as image:
        exact = decoding_scale(image, preprocessing.decoded_side) == 1
    picture = load_picture(data, preprocessing.decoded_side)
    pixels = preprocessing(picture, exact=exact)
    feature = backend.features(pixels)[None]
    return in_turn(
        [
            lambda: load_picture(data, preprocessing.decoded_side),
            lambda: preprocessing(picture, exact=exact),
            lambda: backend.features(pixels),
            lambda: learner.model.predict(feature, 3),
            lambda: preprocessing(load_picture(data)),
        ],
        _PICTURE_TURNS,
        clock=time.process_time,
    )
