"""What `bench` measured once and the repository's own benchmarks measure now."""

from typing import NoReturn

import typer

from edge_tosca.cli.terminal import fail

VERBS = {
    "burst": "burst",
    "decoding": "decoding",
    "readers": "concurrent_reads",
    "surroundings": "domain_shift",
    "uneven": "class_imbalance",
    "unknowns": "ood",
}
"""Verb to benchmark."""

ACCURACY_OPTIONS = {
    "--ablation": "ablation",
    "--sparsity": "sparsity",
    "--method hindsight": "oracle",
}
"""Option of `bench accuracy` to benchmark."""


def moved(what: str, benchmark: str) -> NoReturn:
    """Print where a measurement is now, and stop.

    Args:
        what: as it is written on the command line.
        benchmark: its name there.
    """
    fail(f"{what} is a benchmark of the repository now: python -m tests.benchmarks {benchmark}", 2)


def moved_verb(context: typer.Context) -> None:
    """Print where the measurement of a verb of `bench` is now, and stop.

    Args:
        context: of the verb.
    """
    verb = str(context.info_name)
    moved(f"bench {verb}", VERBS[verb])


def moved_option(parameter: typer.CallbackParam, given: bool) -> None:
    """Print where the measurement of an option of `bench accuracy` is now, and stop.

    Args:
        parameter: the option.
        given: whether it is on the command line.
    """
    if given:
        option = f"--{parameter.name}"
        moved(f"bench accuracy {option}", ACCURACY_OPTIONS[option])


def add_moved_verbs(measures: typer.Typer) -> None:
    """Add the verbs that moved, hidden; they print their new places, whatever their arguments.

    Args:
        measures: the verbs of `bench`.
    """
    for verb in VERBS:
        measures.command(
            verb,
            hidden=True,
            context_settings={
                "ignore_unknown_options": True,
                "allow_extra_args": True,
                "help_option_names": [],
            },
        )(moved_verb)
