"""`python -m tests.benchmarks NAME ...`: one command a benchmark; NAME --help has its options."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer
from tests.benchmarks import (
    ablation,
    asking,
    border,
    built_in,
    burst,
    class_imbalance,
    concurrent_reads,
    consensus,
    decoding,
    domain_shift,
    encryption,
    exemplars,
    false_rejection,
    first_lessons,
    kernel_vote,
    large_lesson,
    large_store,
    levels,
    none_of_these,
    ood,
    ood_table,
    oracle,
    regions,
    scene,
    server_fairness,
    sparsity,
    takeaway,
    trigger_cost,
    trigger_scenes,
    views,
)

from edge_tosca.bench.data import LabelledFeatures, load_features
from edge_tosca.cli.bench_options import Folders, counted, step_notes
from edge_tosca.cli.terminal import AsJson, BackboneOption, note, progress, say, say_json, say_lines
from edge_tosca.errors import EdgeToscaError
from edge_tosca.live import motion
from edge_tosca.system.blas import one_blas_thread
from edge_tosca.vision.feature_extractor import FeatureExtractor

app = typer.Typer(
    help="Reproduce figures of the documentation. SETS are folders of class folders, or of train and test "
    "folders of them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

TaskSizes = Annotated[
    list[int] | None, typer.Option("--task-size", min=1, help="Classes a task; repeatable; 10 by default.")
]
TaskSize = Annotated[int, typer.Option(min=1, help="Classes a task.")]
Shots = Annotated[list[str] | None, typer.Option(help='Training pictures a class, or "all"; repeatable.')]
Seeds = Annotated[int, typer.Option(min=1, help="Orders of classes and draws of pictures.")]
Mixed = Annotated[
    bool, typer.Option("--mixed", help="Split train and test pictures again, at random, first.")
]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Write the results here.")]


@app.command("levels")
def run_levels(
    folders: Folders,
    shots: Shots = None,
    seeds: Seeds = 4,
    out: Out = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure the router with features of several levels, and with the last one alone."""
    vision, sets = _load(folders, backbone)
    counts = counted(shots or ["5", "10", "20", "all"])
    trials = list(levels.measure(sets, vision.bundle.widths, counts, seeds, step_notes(as_json)))
    report = {**_about(vision, sets), "trials": [asdict(trial) for trial in trials]}
    _report("levels", report, levels.markdown(trials), out, as_json)


@app.command("takeaway")
def run_takeaway(
    folders: Folders,
    most: Annotated[int, typer.Option(min=1, help="Pictures to ask of each set.")] = 400,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Compare exported models with their learners: answers, size and time, also in OpenVINO."""
    rows = list(takeaway.measure(folders, most, step_notes(as_json)))
    report = {"rows": [asdict(row) for row in rows]}
    _report("takeaway", report, takeaway.markdown(rows), out, as_json)


@app.command("views")
def run_views(
    folders: Folders,
    seeds: Seeds = 4,
    out: Out = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure what further views of training pictures add to the discriminant's accuracy."""
    vision = FeatureExtractor(backbone)
    trials = list(views.measure(folders, vision, (5, 10, 20), seeds, step_notes(as_json)))
    report = {"fingerprint": str(vision.fingerprint), "trials": [asdict(trial) for trial in trials]}
    _report("views", report, views.markdown(trials), out, as_json)


@app.command("built_in")
def run_built_in(
    folders: Folders, shots: Shots = None, seeds: Seeds = 4, out: Out = None, as_json: AsJson = False
) -> None:
    """Compare the built-in bundles fast and accurate: accuracy, and time in each runtime."""
    times = [built_in.time_backbones(runtime) for runtime in ("onnxruntime", "openvino")]
    vision, small = _load(folders, Path("fast"))
    larger, large = _load(folders, Path("accurate"))
    pairs, counts = list(zip(small, large, strict=True)), counted(shots or ["5", "10", "20"])
    trials = list(built_in.measure(pairs, vision.bundle.widths, counts, seeds, step_notes(as_json)))
    report = {
        **_about(vision, small),
        "accurate": str(larger.fingerprint),
        "trials": [asdict(trial) for trial in trials],
        "times": [asdict(time) for time in times],
    }
    _report("built_in", report, built_in.markdown(trials, times), out, as_json)


@app.command("ablation")
def run_ablation(
    folders: Folders,
    task_size: TaskSizes = None,
    shots: Shots = None,
    seeds: Seeds = 1,
    out: Out = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure what each part of the method contributes: accuracy with one part off."""
    counts = counted(shots or ["all"])
    sets = _last_features(*_load(folders, backbone))
    trials = ablation.measure(sets, task_size or [10], counts, seeds, step_notes(as_json))
    report = {"ablation": [asdict(trial) for trial in trials]}
    _report("ablation", report, ablation.markdown(trials), out, as_json)


@app.command("asking")
def run_asking(
    folders: Folders,
    draws: Annotated[int, typer.Option(min=1, help="First lessons and pools of each kind.")] = 8,
    out: Out = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure what 50 answered questions teach, chosen by the learner and at random."""
    sets = _last_features(*_load(folders, backbone))
    trials = list(asking.measure(sets, draws, step_notes(as_json)))
    report = {"trials": [asdict(trial) for trial in trials]}
    _report("asking", report, asking.markdown(trials), out, as_json)


@app.command("border")
def run_border(
    folders: Folders,
    background: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Photographs, in one folder a category.")
    ] = Path("../shared/data/background"),
    draws: Annotated[int, typer.Option(min=1, help="Lessons of two classes of each kind.")] = 20,
    out: Out = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure how often the gate says that a class's border was learned, rightly and wrongly."""
    vision = FeatureExtractor(backbone, threads=1)
    trials = border.measure(folders, background, vision, draws, step_notes(as_json))
    report = {"backbone": str(vision.fingerprint), "trials": [asdict(trial) for trial in trials]}
    _report("border", report, border.markdown(trials), out, as_json)


@app.command("burst")
def run_burst(
    folders: Folders,
    shots: Annotated[str, typer.Option(help='Training pictures a class, or "all".')] = "20",
    seeds: Annotated[int, typer.Option(min=1, help="Draws of training pictures.")] = 3,
    pictures: Annotated[int, typer.Option(min=1, help="Test photographs of each set, at most.")] = 150,
    out: Out = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure what 1, 3, 5 and 9 frames of one object gain, and frames of different objects cost."""
    (count,) = counted([shots])
    vision, sets = _load(folders, backbone)
    results = burst.measure(sets, vision, count, seeds, pictures, step_notes(as_json))
    report = {"about": _about(vision, sets), "results": [asdict(result) for result in results]}
    _report("burst", report, burst.markdown(results), out, as_json)


@app.command("class_imbalance")
def run_class_imbalance(
    folders: Folders,
    few: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Training pictures of every second class; repeatable; 5 and 10 by default."),
    ] = None,
    many: Annotated[str, typer.Option(help='Training pictures of the other classes, or "all".')] = "all",
    task_size: TaskSize = 10,
    seeds: Seeds = 3,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Teach classes of few pictures among classes of many, and compare the accuracy on each kind."""
    counts, (most,) = few or [5, 10], counted([many], "--many")
    if most is not None and most <= max(counts):
        raise EdgeToscaError(f"--many {most} is not more than --few {max(counts)}; give a greater number")
    vision, sets = _load(folders, backbone)
    trials = class_imbalance.measure(sets, vision, counts, most, task_size, seeds, step_notes(as_json))
    report = {"trials": [asdict(trial) for trial in trials]}
    _report("class_imbalance", report, class_imbalance.markdown(trials), None, as_json)


@app.command("concurrent_reads")
def run_concurrent_reads(
    seconds: Annotated[float, typer.Option(min=1, help="Of timing, for each of the three.")] = 20.0,
    as_json: AsJson = False,
) -> None:
    """Measure how long answers take while another process teaches the same store."""
    found = concurrent_reads.measure(seconds)
    if as_json:
        say_json({**asdict(found), "ratio": found.ratio})
        return
    for name in ("quiet", "busy", "taught"):
        some = getattr(found, name)
        say(
            f"{name:8} {some.answers} answers: median {some.median:.2f} ms, 99 % within {some.p99:.2f} ms, "
            f"longest {some.longest:.1f} ms"
        )
    say(f"{found.generations} generations committed meanwhile, {found.noticed} of them answered from")


@app.command("consensus")
def run_consensus(
    folders: Folders,
    scenes: Annotated[int, typer.Option(min=1, help="Pictures of each set.")] = 80,
) -> None:
    """Measure what a display gains from bursts, cuts and hysteresis."""
    vision = FeatureExtractor(threads=1)
    for folder in folders:
        with progress("embedding") as on_progress:
            data = load_features(folder, vision, on_progress)
        say_lines(consensus.markdown(*consensus.measure(data, vision, scenes, note)))


@app.command("decoding")
def run_decoding(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Large JPEG photographs.")],
    sides: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="WIDTH HEIGHT", help="Crop and resample each to this first."),
    ] = None,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of the JPEG after that.")] = 90,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure what scaled decoding of large JPEG files saves, and what it changes in their features."""
    vision = FeatureExtractor(backbone, threads=1)
    with progress("decoding") as on_progress:
        found = decoding.measure_decoding(folder, vision, on_progress, sides, quality)
    report = {"photographs": [asdict(row) for row in found]}
    _report("decoding", report, decoding.markdown(found), None, as_json)


@app.command("domain_shift")
def run_domain_shift(
    folders: Folders,
    task_size: TaskSize = 10,
    seeds: Annotated[int, typer.Option(min=1, help="Orders of classes.")] = 1,
    few: Annotated[
        int | None, typer.Option(min=1, help="Pictures of a class in the new domain; all by default.")
    ] = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Teach known classes again in a new domain, and measure what is lost in the old one."""
    vision, sets = _load(folders, backbone)
    steps = domain_shift.measure(sets, vision, task_size, seeds, step_notes(as_json), few)
    report = {"steps": [asdict(step) for step in steps]}
    _report("domain_shift", report, domain_shift.markdown(steps), None, as_json)


@app.command("encryption")
def run_encryption() -> None:
    """Measure what encryption costs: opening, the first answer, a lesson and the file."""
    say_lines(encryption.markdown(encryption.measure()))


@app.command("exemplars")
def run_exemplars(
    train: Annotated[
        Path, typer.Argument(metavar="TRAIN.npz", help="Features that `edge-tosca embed` wrote.")
    ],
    test: Annotated[Path, typer.Argument(metavar="TEST.npz", help="Others, of the same classes.")],
) -> None:
    """Measure the accuracy that is left after cached features were thinned, by rule."""
    say_lines(exemplars.markdown(exemplars.measure(train, test, note)))


@app.command("false_rejection")
def run_false_rejection(
    folders: Folders,
    shots: Shots = None,
    seeds: Seeds = 3,
    mixed: Mixed = False,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure which known pictures are called unknown, by the pictures that place the threshold."""
    counts = counted(shots or ["5", "20", "all"])
    sets = _last_features(*_load(folders, backbone, mixed))
    shares = false_rejection.measure(sets, counts, seeds, step_notes(as_json))
    report = {"shares": [asdict(share) for share in shares]}
    _report("false_rejection", report, false_rejection.markdown(shares), None, as_json)


@app.command("first_lessons")
def run_first_lessons(
    folders: Folders,
    classes: Annotated[
        list[int] | None, typer.Option(min=1, help="Classes taught; repeatable; 1, 2, 5 and 10 by default.")
    ] = None,
    pictures: Annotated[int, typer.Option(min=1, help="Of a class.")] = 20,
    draws: Annotated[int, typer.Option(min=1, help="Of classes and pictures.")] = 6,
    varied: Annotated[bool, typer.Option("--varied", help="Pictures at random, not neighbours.")] = False,
    references: Annotated[
        bool, typer.Option("--references/--no-references", help="Use those of the bundle.")
    ] = True,
    constants: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A constant of the threshold; repeatable."),
    ] = None,
    out: Out = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure what first lessons of neighbouring pictures lead to where the objects are met elsewhere."""
    vision = FeatureExtractor(backbone, threads=1)
    sets = []
    for folder in folders:
        with progress("embedding") as on_progress:
            sets.append(first_lessons.load_set(folder, vision, on_progress))
    counts, step = classes or [1, 2, 5, 10], step_notes(as_json)
    first_lessons.set_constants(constants or [])
    found = first_lessons.measure(
        sets, vision, counts, pictures, draws, step, varied=varied, references=references
    )
    report = {"backbone": str(vision.fingerprint), "draws": [asdict(draw) for draw in found]}
    _report("first_lessons", report, first_lessons.markdown(found), out, as_json)


@app.command("kernel_vote")
def run_kernel_vote(
    folders: Folders,
    seeds: Annotated[int, typer.Option(min=1, help="Splits of each set; the first is its own.")] = 3,
    merge: Annotated[
        int | None, typer.Option(min=2, help="Merge classes at random into so many of several modes.")
    ] = None,
    in_order: Annotated[
        bool, typer.Option("--in-order", help="Teach merged classes one after the other, not mixed.")
    ] = False,
    out: Out = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure the kernel vote of all cached pictures beside the router, set by set."""
    vision, sets = _load(folders, backbone)
    if merge is not None:
        sets = [kernel_vote.merged(data, merge, in_order) for data in sets]
    trials = list(kernel_vote.measure(sets, vision.bundle.widths, seeds, step_notes(as_json)))
    report = {**_about(vision, sets), "trials": [asdict(trial) for trial in trials]}
    _report("kernel_vote", report, kernel_vote.markdown(trials), out, as_json)


@app.command("large_lesson")
def run_large_lesson(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="With 2 GB of room.")],
    classes: Annotated[int, typer.Argument(min=10, metavar="CLASSES")] = large_lesson.CLASSES,
) -> None:
    """Measure what one more task costs a learner of very many classes."""
    large_lesson.measure(folder, classes)


@app.command("large_store")
def run_large_store(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="With 4 GB of room.")],
) -> None:
    """Measure what a store of ten thousand classes costs to open and to predict with."""
    large_store.measure(folder)


@app.command("none_of_these")
def run_none_of_these(
    folders: Folders,
    draws: Annotated[int, typer.Option(min=1, help="Of classes and pictures.")] = 6,
    lean: Annotated[float | None, typer.Option(help="In place of the learner's constant LEAN.")] = None,
    out: Out = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure what pictures of none of the classes change: a learner before and after `learn --none`."""
    vision, sets = _load(folders, backbone)
    trials = none_of_these.measure(sets, vision, draws, step_notes(as_json), lean)
    report = {"about": _about(vision, sets), "trials": none_of_these.to_json(trials)}
    _report("none_of_these", report, none_of_these.markdown(trials), out, as_json)


@app.command("ood")
def run_ood(
    folders: Folders,
    shots: Shots = None,
    seeds: Annotated[int, typer.Option(min=1, help="Draws of untaught classes and pictures.")] = 3,
    mixed: Mixed = False,
    out: Out = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well classes never taught are called unknown, beside other scores."""
    counts = counted(shots or ["5", "20", "all"])
    vision, sets = _load(folders, backbone, mixed)
    measured, about = ood.measure(sets, vision, counts, seeds, step_notes(as_json)), _about(vision, sets)
    if out is not None:
        for path in ood_table.write(measured, about, out):
            note(f"wrote {path}")
    report = {"about": about, "trials": [asdict(trial) for trial in measured.trials]}
    _report("ood", report, ood_table.markdown(measured.trials), None, as_json)


@app.command("oracle")
def run_oracle(
    folders: Folders,
    task_size: TaskSizes = None,
    shots: Shots = None,
    seeds: Seeds = 1,
    out: Out = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Compute an upper bound for the features: the best of 61 classifiers on the test pictures themselves."""
    counts = counted(shots or ["all"])
    vision, sets = _load(folders, backbone)
    bounds = oracle.measure(sets, vision, task_size or [10], counts, seeds, step_notes(as_json))
    report = {"about": _about(vision, sets), "bounds": [asdict(bound) for bound in bounds]}
    _report("oracle", report, oracle.markdown(bounds), out, as_json)


@app.command("scene")
def run_scene(
    folders: Folders,
    background: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Photographs to paste on, in any subfolders.")
    ] = Path("../shared/data/background"),
    classes: Annotated[int, typer.Option(min=2, help="Of a draw.")] = 10,
    pictures: Annotated[int, typer.Option(min=2, help="Taught pictures a class.")] = 20,
    tested: Annotated[int, typer.Option(min=1, help="Test pictures a class.")] = 10,
    draws: Annotated[int, typer.Option(min=1, help="Of classes, pictures and places.")] = 3,
    out: Out = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure what a region gains where an object fills a part of the frame."""
    vision = FeatureExtractor(backbone, threads=1)
    results = scene.measure(
        folders,
        background,
        vision,
        step_notes(as_json),
        classes=classes,
        shots=pictures,
        tested=tested,
        draws=draws,
    )
    report = {"backbone": str(vision.fingerprint), "results": [asdict(result) for result in results]}
    _report("scene", report, scene.markdown(results), out, as_json)


@app.command("server_fairness")
def run_server_fairness(
    seconds: Annotated[float, typer.Option(min=1, help="Of bursts.")] = 30.0,
    pictures: Annotated[
        int, typer.Option(min=1, max=32, help="In a burst; 8 of 24 megapixels are allowed.")
    ] = 8,
    kind: Annotated[str, typer.Option(help="RGB, RGBA, WEBP or progressive.")] = "RGBA",
    as_json: AsJson = False,
) -> None:
    """Measure how long another client waits while one sends the worst bursts, and how long the end takes."""
    found = server_fairness.measure(seconds, pictures, kind)
    if as_json:
        say_json(asdict(found))
    else:
        say_lines(found.text())


@app.command("regions")
def run_regions(
    seconds: Annotated[float, typer.Option(min=1.0, help="To count.")] = 60.0,
    warm: Annotated[float, typer.Option(min=1.0, help="Seconds before.")] = 60.0,
    threads: Annotated[int, typer.Option(min=1, help="Of the backbone.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Measure the turns of four regions of one camera and two further cameras in one server."""
    found = regions.measure(seconds, warm, threads)
    if as_json:
        say_json(asdict(found))
    else:
        say_lines(found.text())


@app.command("sparsity")
def run_sparsity(
    folders: Folders,
    task_size: TaskSizes = None,
    shots: Shots = None,
    seeds: Seeds = 1,
    out: Out = None,
    backbone: BackboneOption = None,
    as_json: AsJson = False,
) -> None:
    """Measure a module's bytes against accuracy under stronger and weaker penalties."""
    counts = counted(shots or ["all"])
    sets = _last_features(*_load(folders, backbone))
    points = sparsity.measure(sets, task_size or [10], counts, seeds, step_notes(as_json))
    report = {"sparsity": [asdict(point) for point in points]}
    _report("sparsity", report, sparsity.markdown(points), out, as_json)
    if out is not None:
        note(f"wrote {sparsity.plot(points, out / 'sparsity.png')}")


@app.command("trigger_scenes")
def run_trigger_scenes(
    photographs: Annotated[Path, typer.Argument(metavar="FOLDER", help="Photographs.")],
    runs: Annotated[int, typer.Option(min=1, help="Pairs of photographs.")] = 5,
    factor: Annotated[
        float, typer.Option(help="Of the noise, in place of the built-in one.")
    ] = motion.FACTOR,
    area: Annotated[float, typer.Option(help="Share that must change.")] = motion.AREA,
    as_json: AsJson = False,
) -> None:
    """Count what the motion trigger looks at in still, drifting, flickering and changing scenes."""
    found = trigger_scenes.measure_scenes(sorted(photographs.rglob("*.jpg")), runs, factor, area)
    check = trigger_scenes.seconds_of_a_check()
    report = {"scenes": [asdict(row) for row in found], "milliseconds_of_a_check": 1e3 * check}
    _report("trigger_scenes", report, trigger_scenes.markdown(found, check), None, as_json)


@app.command("trigger_cost")
def run_trigger_cost(
    store: Annotated[Path, typer.Argument(metavar="STORE", help="That knows a class.")],
    photograph: Annotated[Path, typer.Argument(metavar="PICTURE", help="Of the still scene.")],
    seconds: Annotated[float, typer.Option(min=1, help="For each trigger.")] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Measure the processor share of `watch` over a still, noisy scene, for each trigger."""
    found = trigger_cost.measure_cost(store, photograph, ("always", "motion", "every 5s", "request"), seconds)
    report = {"costs": [asdict(row) for row in found]}
    _report("trigger_cost", report, trigger_cost.markdown(found), None, as_json)


def _load(
    folders: list[Path], backbone: Path | None, mixed: bool = False
) -> tuple[FeatureExtractor, list[LabelledFeatures]]:
    vision = FeatureExtractor(backbone)
    with progress("embedding") as on_progress:
        sets = [load_features(folder, vision, on_progress) for folder in folders]
    return vision, [ood.mixed(data) for data in sets] if mixed else sets


def _last_features(vision: FeatureExtractor, sets: list[LabelledFeatures]) -> list[LabelledFeatures]:
    """Keep the first part of the features: what most benchmarks compare methods on."""
    width = vision.bundle.widths[0]
    return [replace(data, train=data.train[:, :width], test=data.test[:, :width]) for data in sets]


def _about(vision: FeatureExtractor, sets: list[LabelledFeatures]) -> dict[str, Any]:
    return {"backbone": str(vision.fingerprint), "sets": {data.name: data.split for data in sets}}


def _report(name: str, report: dict[str, Any], text: str, out: Path | None, as_json: bool) -> None:
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / f"{name}.md").write_text(text, encoding="utf-8")
        (out / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        note(f"wrote {out / name}.md and {name}.json")
    if as_json:
        say_json(report)
    else:
        say_lines(text)


def main() -> None:
    try:
        with one_blas_thread():
            app(prog_name="python -m tests.benchmarks")
    except EdgeToscaError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
