"""Learn pictures of none of the classes, and print the report."""

from pathlib import Path
from typing import TYPE_CHECKING

from edge_tosca.cli.rounding import rounded
from edge_tosca.cli.terminal import counted, progress, say, say_json, say_outcomes

if TYPE_CHECKING:
    from edge_tosca.learner.learner import Learner
    from edge_tosca.runtime.region import Region


def learn_none_and_report(
    learner: "Learner",
    folder: Path,
    remember: bool,
    as_json: bool,
    region: "Region | None" = None,
    *,
    dry_run: bool = False,
    verbose: bool = False,
) -> None:
    """Run `learn --none`.

    Args:
        learner: of the store.
        folder: of pictures.
        remember: store the pictures' paths.
        as_json: print JSON.
        region: of each picture; None for all of it.
        dry_run: keep nothing.
        verbose: print where the time went.
    """
    with progress("learning") as on_progress:
        report = learner.learn_none(
            folder, remember=remember, on_progress=on_progress, region=region, dry_run=dry_run
        )
    if as_json:
        say_json(rounded(report.to_json()))
        return
    what = f"{counted(report.images, 'picture')} of none of the classes"
    if report.dry_run:
        say(f"Dry run, nothing is kept: {what}; it would have {report.none}.")
    else:
        say(f"Learned {what}; it has {report.none} now (generation {report.generation}).")
    if report.outcomes_after is not None:
        say("  on held-out pictures of the classes:")
        say_outcomes(("without these pictures", report.outcomes_before), ("now", report.outcomes_after))
    for warning in report.warnings:
        say(f"  warn: {warning}")
    for skipped in report.skipped:
        say(f"  skipped {skipped.path}: {skipped.reason}")
    seconds = report.seconds
    parts = f": features {seconds['features']:.2f}, storing {seconds['commit']:.2f}" if verbose else ""
    say(f"  {seconds['total']:.2f} s{parts}")
