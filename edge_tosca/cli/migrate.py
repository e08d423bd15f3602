"""The verb that takes a store along to another backbone, runtime or device."""

from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.terminal import (
    AsJson,
    DeviceOption,
    RuntimeOption,
    StorePath,
    ThreadsOption,
    fail,
    progress,
    say,
    say_json,
)
from edge_tosca.learner.migration import Migration
from edge_tosca.learner.migration import migrate as take_along
from edge_tosca.store.store import Store
from edge_tosca.vision.feature_extractor import FeatureExtractor

migrate = typer.Typer()


@migrate.command("migrate")
def migrate_store(
    store: StorePath,
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Pictures moved since, or FOLDER/CLASS/*.jpg never remembered."),
    ] = None,
    without_missing: Annotated[
        bool,
        typer.Option("--without-missing", help="Leave missing pictures out; a class without any is erased."),
    ] = False,
    backbone: Annotated[
        Path | None,
        typer.Option(
            "--backbone", metavar="DIR", help="The new backbone bundle; the store's own by default."
        ),
    ] = None,
    runtime: RuntimeOption = None,
    device: DeviceOption = None,
    threads: ThreadsOption = None,
    as_json: AsJson = False,
) -> None:
    """Compute every feature anew, for another backbone, runtime or device; the pictures must be there."""
    opened = Store.open(store)
    known = opened.settings
    vision = FeatureExtractor(
        backbone or (Path(known["bundle"]) if known["bundle"] else None),
        runtime or known["runtime"],
        # Another runtime may not have the store's device.
        device or (known["device"] if runtime in (None, known["runtime"]) else "CPU"),
        threads,
        "THROUGHPUT",
    )
    with progress("looking again") as tell:
        done = take_along(opened, vision, pictures, without_missing=without_missing, on_progress=tell)
    if as_json:
        say_json(done.to_json())
    else:
        _describe(store, done)
    if done.generation is None and done.missing:
        count = sum(entry.missing for entry in done.missing)
        fail(
            f"{store}: {count} pictures of {len(done.missing)} classes are missing, and nothing was changed; "
            "say where they are with --pictures FOLDER, or go on --without-missing"
        )


def _describe(store: Path, done: Migration) -> None:
    for entry in done.missing:
        where = f", such as {', '.join(entry.paths)}" if entry.paths else ", of which no place is remembered"
        say(f"missing {entry.label} ({entry.task}): {entry.missing} of {entry.images} pictures{where}")
    if done.generation is None:
        if not done.missing:
            say(f"{store} is made with {done.origin} already.")
        return
    say(f"{store}: {done.images} pictures computed anew, from {done.origin_before} to {done.origin}.")
    if done.accuracy_before is not None and done.accuracy_after is not None:
        say(
            f"  right on pictures left out of training: {done.accuracy_before:.1%} before, "
            f"{done.accuracy_after:.1%} now (generation {done.generation})"
        )
