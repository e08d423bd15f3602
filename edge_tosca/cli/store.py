"""The verbs that maintain a store's file: verify, and store check, compact, stats, limit, prune and solve."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_tosca.cli.backup import backup_verbs
from edge_tosca.cli.encryption import encryption_verbs
from edge_tosca.cli.severity import severity_verbs
from edge_tosca.cli.strictness import strictness_verbs
from edge_tosca.cli.terminal import AsJson, KeyFileOption, StorePath, counted, fail, say, say_json
from edge_tosca.cli.verbs import Verbs

if TYPE_CHECKING:
    from edge_tosca.store.verify import Audit

store_verbs = Verbs()
_verbs = Verbs(
    name="store", help="Check, copy, shrink, measure and encrypt a learner's file.", no_args_is_help=True
)
_verbs.add_typer(backup_verbs)
_verbs.add_typer(encryption_verbs)
_verbs.add_typer(strictness_verbs)
_verbs.add_typer(severity_verbs)
store_verbs.add_typer(_verbs)

_SHOWN = 3
_HEAD = "[0-9a-fA-F]{12,64}"


@store_verbs.command()
def verify(
    store: StorePath,
    known: Annotated[
        str | None,
        typer.Option(
            metavar="DIGEST", help="The head that an earlier verify printed; the audit log must contain it."
        ),
    ] = None,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Recompute every digest and the router, and report what was changed outside edge-tosca."""
    from edge_tosca.learner.verification import verify as verify_store
    from edge_tosca.store.store import Store

    # A typing error must not raise the alarm of a digest that the audit log does not contain.
    if known is not None and not re.fullmatch(_HEAD, known):
        raise typer.BadParameter(
            f"{known:.80} is not a digest; give the head as verify printed it: 64 hexadecimal digits, or "
            "at least the first 12",
            param_hint="--known",
        )
    _print_audit(store, verify_store(Store.open(store, key_file), known), as_json)


@_verbs.command()
def check(store: StorePath, key_file: KeyFileOption = None, as_json: AsJson = False) -> None:
    """Check the file and every digest, as `verify` does, but do not recompute the router."""
    from edge_tosca.learner.verification import verify as verify_store
    from edge_tosca.store.store import Store

    _print_audit(store, verify_store(Store.open(store, key_file), solve=False), as_json)


@_verbs.command()
def compact(store: StorePath, key_file: KeyFileOption = None, as_json: AsJson = False) -> None:
    """Rewrite the file without unused pages; this needs as much free disk as the file takes."""
    from edge_tosca.store.maintenance import compact as rewrite
    from edge_tosca.store.store import Store

    before, after = rewrite(Store.open(store, key_file))
    if as_json:
        say_json({"store": str(store), "bytes_before": before, "bytes_after": after})
    else:
        say(f"{store}: {_megabytes(before)} before, {_megabytes(after)} now")


@_verbs.command()
def stats(store: StorePath, key_file: KeyFileOption = None, as_json: AsJson = False) -> None:
    """Show the size of the file and of what is in it."""
    from edge_tosca.store.maintenance import stats as measure
    from edge_tosca.store.store import Store

    found = measure(Store.open(store, key_file))
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
        say(f"  unused    {_megabytes(found.free):>10}; free it with: edge-tosca store compact {store}")


@_verbs.command()
def limit(
    store: StorePath,
    most: Annotated[
        int | None,
        typer.Argument(metavar="[BYTES]", min=0, help="0 for no limit; without it the limit is shown."),
    ] = None,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Limit the size of the file: cached features are deleted to stay within, largest classes first."""
    from edge_tosca.learner.storage_limit import limit_size
    from edge_tosca.store.schema import MAX_BYTES_SETTING
    from edge_tosca.store.store import Store

    opened = Store.open(store, key_file)
    thinned = 0 if most is None else limit_size(opened, most or None)
    now = opened.settings.get(MAX_BYTES_SETTING)
    if as_json:
        say_json({"max_bytes": None if now is None else int(now), "thinned": thinned})
        return
    say(f"{store} may take {_megabytes(int(now))}" if now is not None else f"{store} has no limit")
    if thinned:
        say(f"  {thinned} cached features deleted; shrink the file with: edge-tosca store compact {store}")


@_verbs.command()
def prune(
    store: StorePath,
    older_than: Annotated[
        int, typer.Option(metavar="DAYS", min=0, help="Age since they were undone; 0 for all of them.")
    ] = 30,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Give back the features of lessons that were undone; no rollback restores them."""
    from edge_tosca.store.maintenance import prune as prune_lessons
    from edge_tosca.store.store import Store

    found = prune_lessons(Store.open(store, key_file), older_than)
    if as_json:
        say_json({"store": str(store), **found.to_json()})
        return
    undone = counted(found.lessons, "undone lesson")
    say(f"{store}: {undone} of {counted(found.images, 'cached feature')} pruned")
    if found.lessons:
        say(f"  shrink the file with: edge-tosca store compact {store}")
    if found.restorable:
        kept = counted(found.restorable, "undone lesson")
        say(
            f"  {kept} can still be restored; erase a class of it at once with: "
            f"edge-tosca forget {store} CLASS"
        )


@_verbs.command()
def solve(store: StorePath, key_file: KeyFileOption = None, as_json: AsJson = False) -> None:
    """Compute a damaged router again from the cached features; nothing else changes."""
    from edge_tosca.learner.solve import solve as solve_again
    from edge_tosca.store.store import Store

    generation = solve_again(Store.open(store, key_file))
    if as_json:
        say_json({"store": str(store), "generation": generation})
    else:
        say(f"{store}: the router of generation {generation} is computed again from the cached features")


def _print_audit(store: Path, audit: "Audit", as_json: bool) -> None:
    if as_json:
        say_json(audit.to_json())
    elif not audit.discrepancies:
        checked = (
            f"{counted(audit.generations, 'generation')}, {counted(audit.classes, 'class', 'classes')} and "
            f"{counted(audit.images, 'cached feature')}"
        )
        router = ", and so does the recomputed router" if audit.solved else ""
        entries = counted(audit.seals, "entry", "entries")
        if audit.seals:
            say(f"{store}: {checked} match the audit log of {entries}{router}; head {audit.head}")
        else:
            say(f"{store}: {checked}; the audit log is empty and starts with the next change")
    if audit.discrepancies:
        more = len(audit.discrepancies) - _SHOWN
        named = "; ".join(audit.discrepancies[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
        fail(f"{store} was changed outside edge-tosca: {named}; restore a copy that you trust")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
