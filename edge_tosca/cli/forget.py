"""Forget a class, and name the copies of the store that may still have it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edge_tosca.cli.terminal import confirmed, counted, fail, say, say_json
from edge_tosca.errors import LearnError
from edge_tosca.labels import NONE_LABEL, normalized_label

if TYPE_CHECKING:
    from edge_tosca.learner.learner import Learner
    from edge_tosca.learner.restore import CopyState


def forget_and_report(
    store: Path, label: str | None, backups: bool, key_file: Path | None, as_json: bool, *, ask: bool = False
) -> None:
    """Run the verb `forget`.

    Args:
        store: path of the store.
        label: the class; None for the pictures of none of the classes.
        backups: erase it in the known copies, too.
        key_file: with the store's key.
        as_json: print JSON.
        ask: on a terminal, ask whether it is meant.
    """
    from edge_tosca.learner.restore import copies_of, erase_in_copies

    generation = _forget(store, label, backups, key_file, ask)
    copies = erase_in_copies(store, key_file) if backups else copies_of(store)
    if as_json:
        found = [copy.to_json() for copy in copies]
        forgotten = {"forgotten": label} if label is not None else {"forgotten": None, "none": 0}
        say_json({"generation": generation, **forgotten, "copies": found})
    else:
        _describe(store, label, generation, copies)
    failed = [copy for copy in copies if copy.state == "failed"]
    if failed:
        fail(
            f"{_name(label)} is forgotten, but {counted(len(failed), 'copy', 'copies')} may still have it: "
            + "; ".join(f"{copy.path} ({copy.reason})" for copy in failed)
        )


def _forget(store: Path, label: str | None, backups: bool, key_file: Path | None, ask: bool) -> int | None:
    """Forget a class; None if it was forgotten before and is to be erased in the copies only."""
    from edge_tosca.learner.learner import Learner
    from edge_tosca.store.forget_notes import read_notes

    learner = Learner.open(store, key_file=key_file)
    try:
        if ask and not confirmed(_question(learner, label)):
            fail("nothing was forgotten; answer y to forget, or give --yes")
        return learner.forget_none() if label is None else learner.forget(label)
    except LearnError:
        cipher = learner.store.cipher
        if backups and any(note.has_name(label or NONE_LABEL, cipher) for note in read_notes(store)):
            return None
        raise
    finally:
        learner.close()


def _question(learner: "Learner", label: str | None) -> str:
    state = learner.state
    if label is None:
        groups = state.none_groups
    else:
        groups = tuple(group for group in state.groups if group.label == normalized_label(label))
    pictures = f" ({counted(sum(group.images for group in groups), 'picture')})" if groups else ""
    return f"Forget {_name(label)}{pictures} in {learner.store.path} for good? No rollback brings it back."


def _name(label: str | None) -> str:
    return "what is none of the classes" if label is None else label


def _describe(store: Path, label: str | None, generation: int | None, copies: "Sequence[CopyState]") -> None:
    if generation is None:
        say(f"{_name(label)} was forgotten in {store} before.")
    else:
        say(f"{_name(label)} is forgotten and erased from {store} (generation {generation}).")
    for copy in copies:
        if copy.state == "erased":
            say(f"  {copy.path}: erased there, too")
        elif copy.state == "not there":
            say(
                f"  {copy.path}: a copy that is not there now; if it is on another disk, it may still have it"
            )
        elif copy.state == "may have it":
            say(f"  {copy.path}: a copy that may still have it")
    if any(copy.state == "may have it" for copy in copies):
        say(f"  erase it in the copies with: edge-tosca forget {store} {label or '--none'} --backups")
