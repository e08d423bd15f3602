"""The verb migrate: recompute a store for another backbone, runtime or device."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_tosca.cli.terminal import (
    AsJson,
    DeviceOption,
    KeyFileOption,
    RuntimeOption,
    StorePath,
    ThreadsOption,
    fail,
    progress,
    say,
    say_json,
)
from edge_tosca.cli.verbs import Verbs

if TYPE_CHECKING:
    from edge_tosca.learner.migration import Migration

migrate_verb = Verbs()


@migrate_verb.command()
def migrate(
    store: StorePath,
    pictures: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Pictures that were moved, or FOLDER/CLASS/*.jpg if no paths were stored."
        ),
    ] = None,
    without_missing: Annotated[
        bool,
        typer.Option("--without-missing", help="Skip missing pictures; a class without any is erased."),
    ] = False,
    backbone: Annotated[
        Path | None,
        typer.Option(
            "--backbone",
            metavar="fast|accurate|DIR",
            help="The new backbone bundle; the store's own by default.",
        ),
    ] = None,
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Recompute every feature, for another backbone, runtime or device; the pictures must be there."""
    from edge_tosca.learner.migration import migrate as migrate_store
    from edge_tosca.store.store import Store
    from edge_tosca.vision.feature_extractor import FeatureExtractor

    opened = Store.open(store, key_file)
    settings = opened.settings
    vision = FeatureExtractor(
        backbone or (Path(settings["bundle"]) if settings["bundle"] else None),
        runtime or settings["runtime"],
        # Another runtime may not have the store's device.
        device or (settings["device"] if runtime in (None, settings["runtime"]) else "CPU"),
        threads,
        "THROUGHPUT",
    )
    with progress("recomputing") as on_progress:
        done = migrate_store(
            opened, vision, pictures, without_missing=without_missing, on_progress=on_progress
        )
    if as_json:
        say_json(done.to_json())
    else:
        _describe(store, done)
    if done.generation is None and done.missing:
        count = sum(entry.missing for entry in done.missing)
        fail(
            f"{store}: {count} pictures of {len(done.missing)} classes are missing, and nothing was changed; "
            "name their folder with --pictures FOLDER, or continue --without-missing"
        )


def _describe(store: Path, done: "Migration") -> None:
    for entry in done.missing:
        where = f", such as {', '.join(entry.paths)}" if entry.paths else ", whose paths were not stored"
        say(f"missing {entry.label} ({entry.task}): {entry.missing} of {entry.images} pictures{where}")
    if done.generation is None:
        if not done.missing:
            say(f"{store} was made with {done.origin} already.")
        return
    say(f"{store}: {done.images} pictures recomputed, from {done.origin_before} to {done.origin}.")
    if done.accuracy_before is not None and done.accuracy_after is not None:
        say(
            f"  accuracy on held-out pictures: {done.accuracy_before:.1%} before, "
            f"{done.accuracy_after:.1%} now (generation {done.generation})"
        )
