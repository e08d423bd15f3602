"""The option --explain of predict: draw which places of a picture spoke for the answer."""

from pathlib import Path
from typing import TYPE_CHECKING

from edge_tosca.cli.answers import answer_json, answer_text
from edge_tosca.cli.terminal import say, say_json
from edge_tosca.errors import LearnError
from edge_tosca.system.files import why_unwritable, write_atomically

if TYPE_CHECKING:
    from edge_tosca.learner.learner import Learner
    from edge_tosca.runtime.region import Region


def write_explanation(
    learner: "Learner",
    picture: Path,
    out: Path,
    top: int,
    coverage: float | None,
    region: "Region | None",
    as_json: bool,
) -> None:
    """Predict a picture, print the answer, and write the drawing.

    Args:
        learner: that answers.
        picture: the picture.
        out: PNG file, replaced in one step.
        top: number of guesses to print.
        coverage: of a set of labels; None for none.
        region: of the upright picture; None for all of it.
        as_json: print JSON.

    Raises:
        LearnError: the file cannot be written.
        EdgeToscaError: as `Learner.explain`.
    """
    from edge_tosca.vision.evidence_overlay import as_png, evidence_overlay

    folder = out.absolute().parent
    reason = f"{folder} does not exist" if not folder.exists() else why_unwritable(folder)
    if out.suffix.lower() != ".png" or out.is_dir():
        reason = "it is no .png file"
    if reason is not None:
        raise LearnError(f"{out} cannot be written: {reason}; name a .png file in a folder with room")
    found = learner.explain(picture, top=top, coverage=coverage, region=region)
    png = as_png(evidence_overlay(found.crop, found.evidence.places))
    try:
        write_atomically(out, lambda file: file.write(png))
    except OSError as error:
        raise LearnError(
            f"{out} cannot be written ({error.strerror}); name a file in a folder with room"
        ) from None
    if as_json:
        evidence = {
            "file": str(out),
            "label": found.label,
            "score": found.evidence.score,
            "unplaced": found.evidence.unplaced,
            "places": found.evidence.places.tolist(),
        }
        say_json({"path": str(picture), **answer_json(found.answer), "evidence": evidence})
        return
    say(f"{picture}: {answer_text(found.answer)}")
    say(f"{out}: orange speaks for {found.label}, purple against it")
