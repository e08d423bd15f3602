"""The cost of the parts of an answer as Markdown and as a plot."""

from pathlib import Path

from edge_tosca.bench.pipeline import BackboneTime, Pipeline, Stages
from edge_tosca.bench.plotting import load_pyplot

_PARTS = (
    ("decode", "decode_ms", "C0"),
    ("prepare", "prepare_ms", "C9"),
    ("backbone", "backbone_ms", "C1"),
    ("decide", "decide_ms", "C2"),
)


def markdown(pipeline: Pipeline) -> str:
    """Lay out the measurement.

    Args:
        pipeline: what was measured.

    Returns:
        Three Markdown tables.
    """
    lines = [
        "| backbone, one picture | threads | ms | times as fast as ONNX Runtime FP32 |",
        "|---|---|---|---|",
    ]
    lines += [_backbone(row) for row in pipeline.backbones]
    lines += [f"\nNot measured: {reason}" for reason in pipeline.absent]
    lines += [
        "",
        "| one answer, ms of one thread | file | decoded at | decode | prepare | backbone | decide "
        "| before the backbone | every pixel: decode and prepare |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_stages(row) for row in pipeline.stages]
    sizes = pipeline.installed_megabytes
    largest = ", ".join(f"{name} {size:.0f}" for name, size in list(sizes.items())[:3])
    added = pipeline.openvino_megabytes
    rows = [
        ("features of 200 pictures of 640 x 480", f"{pipeline.features_seconds:.2f} s"),
        ("learn their ten classes from features", f"{pipeline.learn_seconds:.2f} s"),
        ("peak memory of answering", _megabytes(pipeline.predict_megabytes)),
        ("peak memory of learning ten further classes", _megabytes(pipeline.learn_megabytes)),
        ("device install without Python", f"{sum(sizes.values()):.0f} MB ({largest})"),
        ("the extra openvino adds", "not installed" if added is None else f"{added:.0f} MB"),
    ]
    lines += ["", "| what | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join(lines)


def plot(pipeline: Pipeline, path: Path) -> Path:
    """Draw the backbone on every runtime, and the parts of an answer.

    Args:
        pipeline: what was measured.
        path: of the PNG.

    Returns:
        The path.

    Raises:
        MissingExtraError: matplotlib is not installed.
    """
    pyplot = load_pyplot()
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 4.6), layout="constrained")
    rows = pipeline.backbones[::-1]
    bars = left.barh(
        [_name(row) for row in rows],
        [row.milliseconds for row in rows],
        color=["C1" if row.precision == "int8" else "C7" for row in rows],
    )
    left.bar_label(bars, [f"{row.milliseconds:.1f}" for row in rows], padding=3)
    left.set(xlabel="ms a picture (fastest of 60)", title="Backbone alone")
    left.margins(x=0.12)
    stages = pipeline.stages[::-1]
    names = [row.picture for row in stages]
    start = [0.0] * len(stages)
    for name, key, colour in _PARTS:
        widths = [getattr(row, key) for row in stages]
        right.barh(names, widths, left=start, color=colour, label=name)
        start = [a + b for a, b in zip(start, widths, strict=True)]
    for place, row in enumerate(stages):
        words = f"{start[place]:.1f}, before the backbone {row.before_backbone:.0%}"
        right.text(start[place], place, f"  {words}", va="center", fontsize=8)
    right.set(xlabel="ms of processor time (fastest of 15)", title="One answer on one thread, ONNX Runtime")
    right.margins(x=0.95)
    right.legend(loc="upper right", fontsize=8)
    for axes in (left, right):
        axes.grid(axis="x", alpha=0.3)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=8)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return path


def _name(row: BackboneTime) -> str:
    threads = "" if row.threads is None else f", {row.threads} thread{'s' if row.threads > 1 else ''}"
    return f"{row.runtime} {row.device} {row.precision}{threads}"


def _backbone(row: BackboneTime) -> str:
    threads = "-" if row.threads is None else str(row.threads)
    ratio = "-" if row.times_fp32 is None else f"{row.times_fp32:.2f}"
    return f"| {row.runtime} {row.device} {row.precision} | {threads} | {row.milliseconds:.2f} | {ratio} |"


def _stages(row: Stages) -> str:
    times = (row.decode_ms, row.prepare_ms, row.backbone_ms, row.decide_ms)
    size = f"{row.size / 1e6:.1f} MB" if row.size > 999_999 else f"{row.size / 1e3:.0f} KB"
    ratio = row.exact_ms / (row.decode_ms + row.prepare_ms)
    exact = f"{row.exact_ms:.1f} ms: {ratio:.1f} times" if row.scale > 1 else "the same"
    cells = [row.picture, size, f"1/{row.scale}", *(f"{value:.2f}" for value in times)]
    return f"| {' | '.join(cells)} | {row.before_backbone:.0%} | {exact} |"


def _megabytes(value: float | None) -> str:
    return "not known here" if value is None else f"{value:.0f} MB"
