"""The verbs that change what is known already: forget, rename, rollback."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from edge_tosca.cli.terminal import AsJson, KeyFileOption, NewClassOption, StorePath, say, say_json
from edge_tosca.cli.verbs import Verbs

if TYPE_CHECKING:
    from edge_tosca.store.state import Generation

change_verbs = Verbs()


@change_verbs.command()
def forget(
    store: StorePath,
    label: Annotated[str | None, typer.Argument(metavar="CLASS")] = None,
    none: Annotated[
        bool, typer.Option("--none", help="The pictures of none of the classes, in place of a class.")
    ] = False,
    backups: Annotated[
        bool, typer.Option("--backups", help="Erase it in the copies that are known, too.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask on a terminal.")] = False,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Erase a class for good, after a question on a terminal; no rollback brings it back."""
    from edge_tosca.cli.forget import forget_and_report

    if none == (label is not None):
        raise typer.BadParameter("name one class, or give --none")
    forget_and_report(store, label, backups, key_file, as_json, ask=not yes)


@change_verbs.command()
def rename(
    store: StorePath,
    label: Annotated[str, typer.Argument(metavar="CLASS")],
    new: Annotated[str, typer.Argument(metavar="NEW")],
    merge: Annotated[
        bool, typer.Option("--merge", help="NEW is an existing class; the two become one.")
    ] = False,
    new_class: NewClassOption = False,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Rename a class, or merge it into another; the modules stay as they are."""
    from edge_tosca.learner.learner import Learner

    generation = Learner.open(store, key_file=key_file).rename(label, new, merge=merge, new_class=new_class)
    if as_json:
        say_json({"generation": generation, "class": new, "before": label})
    else:
        say(f"{label} is now {new} (generation {generation}).")


@change_verbs.command()
def rollback(
    store: StorePath,
    generation: Annotated[
        int | None, typer.Argument(help="The one before the current one by default.")
    ] = None,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Restore the classes of an earlier generation; classes forgotten since stay forgotten."""
    from edge_tosca.learner.learner import Learner

    learner = Learner.open(store, key_file=key_file)
    new = learner.rollback(generation)
    history = learner.history()
    target = history[-1].parent
    classes = list(learner.state.labels)
    forgotten = _forgotten([entry for entry in history if entry.number > target], classes)
    if as_json:
        say_json({"generation": new, "restored": target, "classes": classes, "forgotten": forgotten})
    else:
        without = f" without those forgotten since ({', '.join(forgotten)})" if forgotten else ""
        say(
            f"Generation {new} has the classes of generation {target}{without}: "
            f"{', '.join(classes) or 'no class'}."
        )


def _forgotten(entries: "Sequence[Generation]", classes: Sequence[str]) -> list[str]:
    reported = [entry.report.get("classes") for entry in entries if entry.command == "forget"]
    labels = {str(label) for found in reported if isinstance(found, list) for label in found}
    return sorted(labels.difference(classes))
