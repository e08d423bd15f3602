"""The verb `store strictness`: show or turn the dial that decides what is called unknown."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_tosca.cli.terminal import AsJson, KeyFileOption, StorePath, say, say_json
from edge_tosca.cli.verbs import Verbs

if TYPE_CHECKING:
    from edge_tosca.learner.learner import Learner
    from edge_tosca.learner.strictness import StrictnessEffect

strictness_verbs = Verbs()


@strictness_verbs.command()
def strictness(
    store: StorePath,
    value: Annotated[
        str | None,
        typer.Argument(
            metavar="[VALUE]",
            help="lenient, balanced, strict, or 0 (nothing is unknown) to 1 (everything); without it the "
            "dial is shown.",
        ),
    ] = None,
    label: Annotated[
        str | None, typer.Option("--class", metavar="NAME", help="Of answers that name this class alone.")
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Balanced again, or of a class: as all others.")
    ] = False,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Show or set how much evidence a picture needs to pass as known; nothing is learned again."""
    from edge_tosca.learner.learner import Learner
    from edge_tosca.learner.strictness import parse_strictness

    if value is not None and reset:
        raise typer.BadParameter("give a value or --reset", param_hint="--reset")
    learner = Learner.open(store, key_file=key_file)
    if value is not None or reset:
        learner.set_strictness(None if value is None else parse_strictness(value), label)
    _show(store, learner, as_json)


def _show(store: Path, learner: "Learner", as_json: bool) -> None:
    from edge_tosca.classifier.ood.strictness import LEVELS

    now = learner.strictness
    own = now.by_label(learner.state)
    effects = {name: learner.strictness_effect(each) for name, each in LEVELS.items()}
    effect = learner.strictness_effect(now.value)
    if as_json:
        levels = {name: asdict(each) for name, each in effects.items()}
        say_json({"store": str(store), **asdict(effect), "classes": own, "levels": levels})
        return
    say(f"{store}: strictness {_named(now.value)}")
    for label, each in own.items():
        say(f"  {label}: {_named(each)}")
    for name, shown in {**effects, "now": effect}.items():
        if shown.known or shown.references:
            say(f"  {name:8} would call unknown {_effect_text(shown)}")
    if not effect.references:
        say("  the bundle has no reference pictures, or the last lesson was taught with an earlier version")


def _effect_text(effect: "StrictnessEffect") -> str:
    known = f"{effect.known_refused} of {effect.known} held-out known pictures"
    references = f", {effect.references_refused} of {effect.references} reference pictures"
    return known + (references if effect.references else "")


def _named(value: float) -> str:
    from edge_tosca.classifier.ood.strictness import LEVELS

    names = [f"{name} ({value:g})" for name, level in LEVELS.items() if level == value]
    return names[0] if names else f"{value:g}"
