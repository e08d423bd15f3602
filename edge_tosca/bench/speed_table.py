"""The measurement of speed as a Markdown table."""

from edge_tosca.bench.speed import Speed


def table(speed: Speed) -> str:
    """Lay out the measurement.

    Args:
        speed: what was measured.

    Returns:
        Markdown.
    """
    ratios = speed.ratios
    large, small = f"{speed.modules} modules", f"{speed.small_modules} modules"
    rows = [
        ("backbone, one picture", f"{speed.backbone_ms:.2f} ms", ""),
        (
            f"decide, {large}",
            f"{speed.decide_ms:.3f} ms",
            f"{100 * ratios['decide_to_backbone']:.1f} % of the backbone",
        ),
        (
            f"decide, {small}",
            f"{speed.small_decide_ms:.3f} ms",
            f"{large} take {ratios['decide_to_small_decide']:.2f} times as long",
        ),
        (f"decide, {large}, right after the backbone", f"{speed.decide_after_backbone_ms:.3f} ms", ""),
        (
            "one task's kernel vote at its largest, right after the backbone",
            f"{speed.vote_ms:.3f} ms",
            f"{100 * ratios['vote_to_backbone']:.1f} % of the backbone",
        ),
        (f"open and decide for the first time, {large}", f"{speed.first_answer_seconds:.3f} s", ""),
        ("features of one task's pictures", f"{speed.features_seconds:.2f} s", ""),
        ("learn task 2 from features", f"{speed.second_task_seconds:.2f} s", ""),
        (
            f"learn task {speed.modules} from features",
            f"{speed.last_task_seconds:.2f} s",
            f"{ratios['last_to_second_task']:.2f} times task 2; from pictures "
            f"{ratios['last_to_second_task_from_pictures']:.2f} times",
        ),
        (f"store, {speed.classes} classes", f"{speed.store_bytes / 1e6:.0f} MB", ""),
        ("a module in the store", f"{speed.module_bytes / 1e3:.0f} KB", "on average"),
        ("peak memory of answering", _megabytes(speed.predict_megabytes), "backbone included"),
        ("peak memory of learning a further task", _megabytes(speed.learn_megabytes), "backbone included"),
    ]
    lines = ["| what | one thread | |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    return "\n".join(lines)


def _megabytes(value: float | None) -> str:
    return "not known here" if value is None else f"{value:.0f} MB"
