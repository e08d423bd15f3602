"""Benchmarks that the documentation names can be started, and verbs that moved name their new places."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.benchmarks.__main__ import app
from typer.testing import CliRunner

from edge_tosca.cli.bench_moved import ACCURACY_OPTIONS, VERBS

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(r"python -m tests\.benchmarks ([a-z_]+)([^`\n\"#&]*)")

MOVED = {f"bench {verb} FOLDER --shots 5": f"bench {verb}" for verb in VERBS}
MOVED |= {f"bench {verb} --help": f"bench {verb}" for verb in VERBS}
MOVED |= {f"bench accuracy {option}": f"bench accuracy {option}" for option in ("--ablation", "--sparsity")}
MOVED |= {"bench accuracy FOLDER --method ours --method hindsight": "bench accuracy --method hindsight"}

RUN_ALL = """
import io, json, sys
from contextlib import redirect_stderr
from edge_tosca.cli import main

ended = {}
for words in json.load(sys.stdin):
    said = io.StringIO()
    sys.argv = ["edge-tosca", *words.split()]
    try:
        with redirect_stderr(said):
            main()
    except SystemExit as end:
        ended[words] = [end.code, said.getvalue()]
print(json.dumps(ended))
"""


def test_what_moved_names_its_new_place_in_one_line():
    ran = subprocess.run(
        [sys.executable, "-c", RUN_ALL], input=json.dumps(list(MOVED)), capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    ended = json.loads(ran.stdout)
    places = {f"bench {verb}": name for verb, name in VERBS.items()}
    places |= {f"bench accuracy {option}": name for option, name in ACCURACY_OPTIONS.items()}
    for words, what in MOVED.items():
        code, line = ended[words]
        assert code == 2, words
        place = f"python -m tests.benchmarks {places[what]}"
        assert line == f"edge-tosca: {what} is a benchmark of the repository now: {place}\n"


@pytest.mark.parametrize("name", [*VERBS.values(), *ACCURACY_OPTIONS.values()])
def test_the_new_places_exist(name):
    assert CliRunner().invoke(app, [name, "--help"]).exit_code == 0


def documented():
    for page in PAGES:
        for name, words in COMMAND.findall(page.read_text(encoding="utf-8")):
            yield f"{page.name}: {name}", [name, *shlex.split(re.sub(r"[\[\]]", "", words))]


@pytest.mark.parametrize("words", [pytest.param(words, id=name) for name, words in documented()])
def test_a_documented_command_takes_its_options(words):
    # The parser complains of an option that it does not know before --help is heeded.
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0, done.output
