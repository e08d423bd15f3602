"""Print the report of a lesson for people: what it is worth first, times and sizes last."""

from pathlib import Path

from edge_tosca.cli.terminal import counted, say, say_outcomes
from edge_tosca.results import TAUGHT_ALREADY, LearnReport

_SUSPECTS_SHOWN = 10


def describe_lesson(report: LearnReport, store: Path, alone: bool, verbose: bool) -> None:
    """Print the report of a lesson.

    Args:
        report: of the lesson.
        store: path of the store.
        alone: the class that was taught is the only one.
        verbose: print the size of the module, and where the time went.
    """
    say(f"{_headline(report)}{f' ({report.task})' if report.task else ''}.")
    if report.images:
        _verdict(report, alone)
    _findings(report)
    if report.thinned and report.generation is not None:
        say(
            f"  {counted(report.thinned, 'cached feature')} deleted to stay within the size limit; "
            f"shrink the file with: edge-tosca store compact {store}"
        )
    if known := sum(skipped.reason == TAUGHT_ALREADY for skipped in report.skipped):
        say(f"  skipped {counted(known, 'picture')}: {TAUGHT_ALREADY}")
    for skipped in report.skipped:
        if skipped.reason == TAUGHT_ALREADY:
            continue
        say(f"  skipped {skipped.path}: {skipped.reason}")
    for noted in report.notes:
        say(f"  note {noted.path}: {noted.note}")
    if verbose and report.images:
        _costs(report)
    else:
        say(f"  {report.seconds['total']:.2f} s")


def _headline(report: LearnReport) -> str:
    if not report.images:
        return "Nothing new, nothing was changed"
    what = f"{', '.join(report.classes)} from {counted(report.images, 'picture')}"
    if report.dry_run:
        return f"Dry run, nothing is kept: {what}"
    return f"{'Rejected' if report.generation is None else 'Learned'} {what}"


def _verdict(report: LearnReport, alone: bool) -> None:
    gate = report.gate
    if alone:
        only = report.classes[0]
        say(f"  {gate.verdict}: accuracy not measured: {only} is the only class; teach a second one")
    else:
        say(f"  {gate.verdict}; on held-out pictures:")
        say_outcomes(
            ("new classes", gate.outcomes_new),
            ("old classes before", gate.outcomes_old_before),
            ("old classes now", gate.outcomes_old_after),
        )
    for reason in gate.reasons:
        say(f"  {gate.verdict}: {reason}")


def _findings(report: LearnReport) -> None:
    gate = report.gate
    for sentence in gate.advice:
        say(f"  advice: {sentence}")
    for confusion in gate.confusions:
        times = "once" if confusion.count == 1 else f"{confusion.count} times"
        say(f"  {confusion.truth} was predicted as {confusion.answer} {times}")
    for suspect in gate.suspects[:_SUSPECTS_SHOWN]:
        say(f"  check {suspect.path}: {suspect.reason}")
    if len(gate.suspects) > _SUSPECTS_SHOWN:
        say(f"  and {len(gate.suspects) - _SUSPECTS_SHOWN} more pictures, which --json lists")


def _costs(report: LearnReport) -> None:
    seconds, module = report.seconds, report.module
    say(
        f"  {seconds['total']:.2f} s: features {seconds['features']:.2f}, "
        f"training {seconds['train']:.2f}, storing {seconds['commit']:.2f}"
    )
    say(
        f"  module {module.digest[:12]}: {module.nonzero:,} of {module.parameters:,} parameters are nonzero, "
        f"{module.bytes / 1000:.0f} kB{'' if module.cross_fitted else '; the router decides'}"
    )
