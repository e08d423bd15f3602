"""The verb `predict`."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_tosca.cli.answers import answer_json, answer_text
from edge_tosca.cli.explain import write_explanation
from edge_tosca.cli.questions import Name, Questions, list_questions, seconds_of
from edge_tosca.cli.regions import RegionOption, parsed_region
from edge_tosca.cli.terminal import (
    AsJson,
    DeviceOption,
    FollowLinksOption,
    KeyFileOption,
    RuntimeOption,
    StorePath,
    ThreadsOption,
    counted,
    say,
    say_json,
)
from edge_tosca.cli.verbs import Verbs
from edge_tosca.errors import LearnError, PictureError, printable
from edge_tosca.results import Answer, Skipped

if TYPE_CHECKING:
    from edge_tosca.learner.learner import Learner
    from edge_tosca.runtime.region import Region

predict_verb = Verbs()

COLUMNS = ("path", "label", "probability", "unknown", "error")
"""Of --csv."""


@predict_verb.command()
def predict(
    store: StorePath,
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH...",
            help="Pictures, folders, patterns such as 'in/*.jpg', videos; - for standard input: one picture, "
            "or one path a line.",
        ),
    ],
    top: Annotated[int, typer.Option(min=1, help="Number of classes to list.")] = 3,
    burst: Annotated[
        bool, typer.Option("--burst", help="All pictures show one object; wrong for different objects.")
    ] = False,
    every: Annotated[
        str, typer.Option(metavar="TIME", help="Of a video, one frame in this time: 1s, 500ms, 2min.")
    ] = "1s",
    coverage: Annotated[
        float | None,
        typer.Option(
            help="Print a set of labels that contains the true one with this probability, such as 0.9."
        ),
    ] = None,
    region: RegionOption = None,
    explain: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Draw which places of the one picture spoke for the answer."),
    ] = None,
    follow_links: FollowLinksOption = False,
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    key_file: KeyFileOption = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help=f"One line a picture, with a header: {','.join(COLUMNS)}.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Classify pictures, each on its own."""
    from edge_tosca.learner.learner import Learner

    if burst and coverage is not None:
        raise LearnError("--coverage is calibrated for single pictures; leave out --burst")
    if as_csv and (as_json or burst or explain is not None):
        raise typer.BadParameter("give it without --json, --burst and --explain", param_hint="--csv")
    part, seconds = parsed_region(region), seconds_of(every)
    learner = Learner.open(store, runtime=runtime, device=device, threads=threads, key_file=key_file)
    asked = list_questions(paths, follow_links, seconds)
    out = _Output(as_json, as_csv)
    for entry in asked.passed_over:
        out.skipped(entry)
    if explain is not None:
        if burst or asked.picture is None:
            raise LearnError("--explain draws one picture; name one, without --burst")
        write_explanation(learner, asked.picture, explain, top, coverage, part, as_json)
        return
    if burst:
        _burst(learner, asked, top, part, out)
    else:
        for result in learner.predict_many(asked.sources(), top, coverage=coverage, region=part):
            while isinstance(name := asked.take(), Skipped):
                out.skipped(name)
            out.result(name, result)
        while asked.pending:
            if isinstance(failed := asked.take(), Skipped):
                out.skipped(failed)
    if out.failed:
        raise typer.Exit(1)


def _burst(learner: "Learner", asked: Questions, top: int, region: "Region | None", out: "_Output") -> None:
    unread: list[Skipped] = []
    answer: Answer | PictureError
    try:
        answer = learner.predict_burst(asked.sources(), top, unread.append, region)
    except PictureError as error:
        answer = error
    names: list[str] = []
    while asked.pending:
        name = asked.take()
        if isinstance(name, Skipped):
            unread.append(name)
        else:
            names.append(name.path)
    for skipped in unread:
        out.skipped(skipped)
    if isinstance(answer, PictureError):
        raise answer
    missing = {skipped.path for skipped in unread}
    seen = [path for path in names if path not in missing]
    if out.as_json:
        say_json({"paths": seen, **answer_json(answer)})
    else:
        say(f"{counted(len(seen), 'view')}: {answer_text(answer)}")


class _Output:
    """Print answers in one of three forms, and note whether one is missing."""

    def __init__(self, as_json: bool, as_csv: bool) -> None:
        self.as_json, self._as_csv = as_json, as_csv
        self.failed = False
        if as_csv:
            _say_row(*COLUMNS)

    def result(self, name: Name, result: Answer | Skipped) -> None:
        if isinstance(result, Skipped):
            self.skipped(Skipped(name.path, result.reason), name)
        elif self._as_csv:
            found = answer_json(result)
            _say_row(name.path, result.label, found["probability"], str(result.unknown).lower(), "")
        elif self.as_json:
            say_json({**name.to_json(), **answer_json(result)})
        else:
            say(f"{name.path}: {answer_text(result)}")

    def skipped(self, skipped: Skipped, name: Name | None = None) -> None:
        self.failed = True
        if self.as_json:
            say_json({**(name or Name(skipped.path)).to_json(), "error": skipped.reason})
        elif self._as_csv:
            _say_row(skipped.path, "", "", "", skipped.reason)
        else:
            # The reason begins with the file's name, which several folders may have.
            reason = skipped.reason.removeprefix(f"{printable(Path(skipped.path).name)}: ")
            reason = reason.removeprefix(f"{printable(skipped.path)}: ")
            typer.echo(f"edge-tosca: {printable(f'{skipped.path}: {reason}')}", err=True)


def _say_row(*values: object) -> None:
    text = io.StringIO()
    # Escapes first: a line end in a file's name would make two lines of the row.
    csv.writer(text, lineterminator="").writerow([printable(str(value)) for value in values])
    say(text.getvalue())
