"""The verbs that look after a store's file: verify, and store check, compact, stats and limit."""

import re
from pathlib import Path
from typing import Annotated

import typer

from edge_tosca.cli.encryption import encryption
from edge_tosca.cli.terminal import AsJson, StorePath, counted, fail, say, say_json
from edge_tosca.learner.storage_limit import limit_size
from edge_tosca.learner.verification import verify as find_changes
from edge_tosca.store.maintenance import compact as write_anew
from edge_tosca.store.maintenance import stats as measure
from edge_tosca.store.schema import MAX_BYTES_SETTING
from edge_tosca.store.store import Store
from edge_tosca.store.verify import Audit

upkeep = typer.Typer()
verbs = typer.Typer(name="store", help="Check, shrink and measure a learner's file.", no_args_is_help=True)
verbs.add_typer(encryption)
upkeep.add_typer(verbs)

_SHOWN = 3
_HEAD = "[0-9a-fA-F]{12,64}"


@upkeep.command()
def verify(
    store: StorePath,
    known: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="A head noted down earlier; it must be in the chain.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find what was changed behind the learner's back, by computing every digest and the router anew."""
    # A slip of the hand must not raise the alarm that a digest raises which is not in the chain.
    if known is not None and not re.fullmatch(_HEAD, known):
        raise typer.BadParameter(
            f"{known:.80} is not a digest; give the head as verify printed it: 64 hexadecimal digits, or "
            "12 of them at least",
            param_hint="--known",
        )
    _tell(store, find_changes(Store.open(store), known), as_json)


@verbs.command()
def check(store: StorePath, as_json: AsJson = False) -> None:
    """Check the file and every digest, as `verify` does, but do not solve the router anew."""
    _tell(store, find_changes(Store.open(store), solve=False), as_json)


@verbs.command()
def compact(store: StorePath, as_json: AsJson = False) -> None:
    """Write the file anew without what nothing uses; it needs as much free disk as the file takes."""
    before, after = write_anew(Store.open(store))
    if as_json:
        say_json({"store": str(store), "bytes_before": before, "bytes_after": after})
    else:
        say(f"{store}: {_megabytes(before)} before, {_megabytes(after)} now")


@verbs.command()
def stats(store: StorePath, as_json: AsJson = False) -> None:
    """Tell how large the file is, and what takes the room."""
    found = measure(Store.open(store))
    if as_json:
        say_json(found.to_json())
        return
    say(
        f"{store}: {_megabytes(found.bytes)} and {_megabytes(found.log)} of log, format {found.format}, "
        f"generation {found.generations}"
    )
    known = f"{counted(found.classes, 'class', 'classes')} in {counted(found.tasks, 'task')}"
    say(f"  {known}, {counted(found.images, 'cached feature')}")
    for name, content in found.contents.items():
        each = f", {content.bytes / content.rows / 1000:.1f} kB each" if content.rows else ""
        say(f"  {name:9} {_megabytes(content.bytes):>10} in {counted(content.rows, 'row')}{each}")
    if found.free:
        say(f"  unused    {_megabytes(found.free):>10}; give it back with: edge-tosca store compact {store}")


@verbs.command()
def limit(
    store: StorePath,
    most: Annotated[
        int | None, typer.Argument(metavar="[BYTES]", min=0, help="0 for no limit; shown unless named.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let cached features give way, those of the largest classes first, before the store grows beyond."""
    opened = Store.open(store)
    thinned = 0 if most is None else limit_size(opened, most or None)
    now = opened.settings.get(MAX_BYTES_SETTING)
    if as_json:
        say_json({"max_bytes": None if now is None else int(now), "thinned": thinned})
        return
    say(f"{store} may take {_megabytes(int(now))}" if now is not None else f"{store} has no limit")
    if thinned:
        say(f"  {thinned} cached features gave way; shrink the file with: edge-tosca store compact {store}")


def _tell(store: Path, audit: Audit, as_json: bool) -> None:
    if as_json:
        say_json(audit.to_json())
    elif not audit.discrepancies:
        looked = (
            f"{counted(audit.generations, 'generation')}, {counted(audit.classes, 'class', 'classes')} and "
            f"{counted(audit.images, 'cached feature')}"
        )
        router = ", and they give its router" if audit.solved else ""
        seals = counted(audit.seals, "seal")
        if audit.seals:
            say(f"{store}: {looked} are as {seals} left them{router}; head {audit.head}")
        else:
            say(f"{store}: {looked}, of which nothing is sealed yet; the next change begins the chain")
    if audit.discrepancies:
        more = len(audit.discrepancies) - _SHOWN
        named = "; ".join(audit.discrepancies[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
        fail(f"{store} is not as it was left: {named}; restore a copy that you trust")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
