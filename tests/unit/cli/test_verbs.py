"""Every verb of the command line: its help, its key file, its one BLAS thread, and a slip of its name."""

import json
import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from edge_tosca.cli import app
from edge_tosca.cli.verbs import Verb, Verbs

HEAVY = ["numpy", "safetensors", "onnxruntime", "PIL", "threadpoolctl", "sqlite3"]

# What the process has imported when the command line ends.
LOADED = """
import json, sys
from edge_tosca.__main__ import main
try:
    main()
except SystemExit:
    print(json.dumps([name for name in json.loads(sys.stdin.read()) if name in sys.modules]), file=sys.stderr)
"""

IN_A_VERB = """
from threadpoolctl import threadpool_info
from edge_tosca.cli.verbs import Verbs
app = Verbs()
@app.command()
def show() -> None:
    print(*[library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"])
app()
"""


def visible(command, words=()):
    """Every command and group with its words, the program itself first."""
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        if not inner.hidden:
            yield from visible(inner, (*words, name))


EVERY = dict(visible(get_command(app)))
VERBS = {words: command for words, command in EVERY.items() if not hasattr(command, "commands")}


def test_the_verbs_are_found():
    assert len(VERBS) > 25
    assert {("learn",), ("store", "stats"), ("pack", "import"), ("service", "files")} <= set(VERBS)


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_h_is_help_everywhere(words):
    short, long = (CliRunner().invoke(app, [*words, option]) for option in ("-h", "--help"))
    assert short.exit_code == 0
    assert short.output == long.output
    assert "Usage:" in short.output


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_a_verb_that_takes_a_store_takes_its_key_file(words):
    options = [option for parameter in VERBS[words].params for option in parameter.opts]
    assert ("--key-file" in options) == any(parameter.name == "store" for parameter in VERBS[words].params)


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_every_verb_runs_as_one(words):
    assert isinstance(VERBS[words], Verb)


def test_a_verb_has_one_blas_thread():
    # NumPy's own default is a thread for each core; two make the difference visible on any machine.
    ran = subprocess.run(
        [sys.executable, "-c", IN_A_VERB],
        capture_output=True,
        text=True,
        env={"OPENBLAS_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"},
    )
    assert (ran.stdout.split(), ran.stderr) == (["1"], "")


@pytest.mark.parametrize(
    ("words", "env"),
    [
        (["--version"], {}),
        (["--help"], {}),
        (["-h"], {}),
        (["learn", "--help"], {}),
        (["watch", "--help"], {}),
        (["store", "stats", "--help"], {}),
        (["lern"], {}),
        (["learn", "--colour"], {}),
        ([], {"_EDGE_TOSCA_COMPLETE": "complete_bash", "COMP_WORDS": "edge-tosca le", "COMP_CWORD": "1"}),
        ([], {"_EDGE_TOSCA_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "edge-tosca learn a --"}),
    ],
)
def test_what_runs_no_verb_imports_nothing_heavy(words, env):
    ran = subprocess.run(
        [sys.executable, "-c", LOADED, *words],
        capture_output=True,
        text=True,
        input=json.dumps(HEAVY),
        env=env,
    )
    assert json.loads(ran.stderr.splitlines()[-1]) == []


def test_a_verb_imports_what_the_others_are_spared(tmp_path):
    words = ["classes", str(tmp_path / "none.tosca")]
    ran = subprocess.run(
        [sys.executable, "-c", LOADED, *words], capture_output=True, text=True, input=json.dumps(HEAVY)
    )
    assert "numpy" in json.loads(ran.stderr.splitlines()[-1])


def test_settings_of_a_verb_are_typers_own():
    made = Verbs()

    @made.command("say", hidden=True)
    def say() -> None:
        """Say nothing."""

    command = get_command(made)
    assert (command.name, command.hidden) == ("say", True)
