"""The verb tally: how often and how long each class was seen."""

import csv
import io
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from edge_tosca.cli.terminal import AsJson, KeyFileOption, StorePath, say, say_json, say_lines
from edge_tosca.cli.verbs import Verbs

if TYPE_CHECKING:
    from edge_tosca.learner.tally import Seen

tally_verb = Verbs()

_HOUR_SECONDS = 3600
_COLUMNS = ("hour", "camera", "region", "label", "seen", "seconds")


@tally_verb.command()
def tally(
    store: StorePath,
    days: Annotated[int | None, typer.Option(min=1, metavar="N", help="Show the last N days only.")] = None,
    keep: Annotated[
        int | None,
        typer.Option(metavar="DAYS", help="Count from now on, and keep counts for so many days, as 400."),
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Count no longer, and erase all counts.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One line an hour, region and class.")] = False,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Show how often and how long each class was seen in each region; turn counting on with --keep."""
    from edge_tosca.learner.tally import read_tally, set_tally, tally_days
    from edge_tosca.store.store import Store

    if off and keep is not None:
        raise typer.BadParameter("give --keep DAYS or --off", param_hint="--off")
    opened = Store.open(store, key_file)
    if off or keep is not None:
        set_tally(opened, keep)
    kept = tally_days(opened)
    since = 0 if days is None else int(time.time() // _HOUR_SECONDS) - 24 * days
    seen = read_tally(opened, since)
    if as_json:
        say_json({"store": str(store), "days": kept, "counts": [_as_json(one) for one in seen]})
    elif as_csv:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows([list(_as_json(one).values()) for one in seen])
        say_lines(text.getvalue())
    elif kept is None:
        say(f"{store}: nothing is counted; begin with: edge-tosca tally {store} --keep 400")
    else:
        say(f"{store}: counts are kept for {kept} days")
        for line in _summary(seen):
            say(line)


def _as_json(seen: "Seen") -> dict[str, object]:
    hour = datetime.fromtimestamp(seen.hour * _HOUR_SECONDS, UTC).strftime("%Y-%m-%dT%H:00Z")
    values = (hour, seen.camera, seen.region, seen.label, seen.seen, round(seen.seconds, 1))
    return dict(zip(_COLUMNS, values, strict=True))


def _summary(seen: "list[Seen]") -> list[str]:
    totals: dict[tuple[str, str, str], tuple[int, float]] = {}
    for one in seen:
        key = one.camera, one.region, one.label or "unknown"
        count, seconds = totals.get(key, (0, 0.0))
        totals[key] = count + one.seen, seconds + one.seconds
    return [
        f"  {camera} {region}  {label}: seen {count} times, {seconds / 60:.1f} minutes"
        for (camera, region, label), (count, seconds) in sorted(totals.items())
    ]
