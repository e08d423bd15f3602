"""The verb `store severity`: which classes ring."""

from typing import Annotated

import typer

from edge_tosca.cli.terminal import AsJson, KeyFileOption, StorePath, say, say_json
from edge_tosca.cli.verbs import Verbs

severity_verbs = Verbs()


@severity_verbs.command()
def severity(
    store: StorePath,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CLASS] [SEVERITY]",
            help="info, warning or alarm, after the class unless --unknown is given; without both they are "
            "shown.",
        ),
    ] = None,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Set the severity of what is none of the classes.")
    ] = False,
    key_file: KeyFileOption = None,
    as_json: AsJson = False,
) -> None:
    """Show or set how severe it is that a class is seen; every event that names it says so."""
    from edge_tosca.learner.severity import read_severities, set_severity
    from edge_tosca.store.store import Store

    given = words or []
    expected = (1,) if unknown else (0, 2)
    if len(given) not in expected:
        raise typer.BadParameter("give CLASS SEVERITY, or --unknown SEVERITY", param_hint="CLASS")
    opened = Store.open(store, key_file)
    if given:
        set_severity(opened, given[-1], None if unknown else given[0])
    now, state = read_severities(opened), opened.state()
    classes = now.by_label(state)
    if as_json:
        say_json({"store": str(store), "unknown": now.unknown, "classes": classes})
        return
    say(f"{store}: unknown is {now.unknown}, a class without a severity of its own is info")
    for label, one in classes.items():
        say(f"  {label}: {one}")
