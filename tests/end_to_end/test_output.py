"""Output that cannot be written, or not in these letters, never hides what was done."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def shop(taught, copy_store, tmp_path):
    return copy_store(taught, tmp_path / "shop.tosca")


def known(edge, store):
    return [entry["label"] for entry in edge("classes", store, "--json").json["classes"]]


def sent_to(where, *words):
    """Run the command line with its output sent to a place, as a shell does; give its code and complaint."""
    command = f'exec "$@" >{where}'
    words = ("sh", "-c", command, "sh", sys.executable, "-m", "edge_tosca", *map(str, words))
    done = subprocess.run(words, stderr=subprocess.PIPE, text=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize("where", ["&-", "/dev/full"])
def test_a_change_whose_output_fails_is_made_and_never_denied(edge, shop, photos, where):
    if where == "/dev/full" and not Path(where).exists():
        pytest.skip("this system has no /dev/full")
    for words in (("learn", shop, photos / "task3"), ("forget", shop, "flag", "--json")):
        code, complaint = sent_to(where, *words)
        assert code == 1
        (line,) = complaint.splitlines()
        assert "the output cannot be written" in line
        assert "nothing was changed" not in line
        assert "fault" not in line
    assert known(edge, shop) == ["apple", "brick", "cone", "door", "gauge"]


@pytest.mark.parametrize("closed", [">&- 2>&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_leave_the_store_readable(edge, shop, closed):
    command = f'"$@" {closed}'
    words = ("sh", "-c", command, "sh", sys.executable, "-m", "edge_tosca", "forget", str(shop), "apple")
    subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert known(edge, shop) == ["brick", "cone", "door"]
    assert edge("verify", shop).code == 0


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
def test_a_name_that_the_output_cannot_spell_is_escaped(edge, shop, encoding):
    name, how = "苹果 é 🍎", {"env": {"PYTHONIOENCODING": encoding}, "encoding": encoding}
    ran = edge("rename", shop, "apple", name, **how)
    assert (ran.code, ran.err) == (0, "")
    assert name in known(edge, shop)
    # JSON stays JSON: its own escapes, not Python's.
    listed = edge("classes", shop, "--json", **how).json["classes"]
    assert listed[0]["label"] == name
    told = edge("forget", shop, name, **how).out
    assert "is forgotten" in told
    assert (name in told) == (encoding == "utf-8")


def test_a_fault_does_not_claim_that_nothing_was_changed(edge, shop, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "from edge_tosca.learner.learner import Learner\n"
        "forget = Learner.forget\n"
        "def broken(learner, label):\n"
        "    forget(learner, label)\n"
        "    raise RuntimeError('as it is to be')\n"
        "Learner.forget = broken\n"
    )
    ran = edge("forget", shop, "apple", env={"PYTHONPATH": os.fspath(tmp_path)})
    assert ran.code == 1
    (line,) = ran.err.splitlines()
    assert "a fault of edge-tosca itself" in line
    assert "nothing was changed" not in line
    assert "apple" not in known(edge, shop)


def test_ctrl_c_while_the_program_is_still_imported_is_quiet(edge, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import signal, sys\n"
        "class Impatient:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'numpy':\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "sys.meta_path.insert(0, Impatient())\n"
    )
    ran = edge("classes", tmp_path / "shop.tosca", env={"PYTHONPATH": os.fspath(tmp_path)})
    assert (ran.code, ran.out, ran.err) == (130, "", "")
