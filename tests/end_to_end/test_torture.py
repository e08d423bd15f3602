"""A few of the faults of `make torture`, and proof that the harness would see harm."""

import json
import shutil
from pathlib import Path

import pytest
from tests.torture.crowd import torment

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(
    not (shutil.which("cc") or shutil.which("gcc")), reason="faults are injected by a C library; no compiler"
)

CARELESS = """
import sys, edge_tosca.store.database_file
careful = edge_tosca.store.database_file.connect

def careless(*where, **how):
    connection = careful(*where, **how)
    connection.execute("PRAGMA synchronous = OFF")
    return connection

edge_tosca.store.database_file.connect = careless
from tests.torture.__main__ import main
sys.exit(main())
"""


def run(start, finish, tmp_path, program, *options):
    report = tmp_path / "torture.json"
    ran = finish(start(*options, "--json", report, program=program, cwd=ROOT))
    return ran, json.loads(report.read_text())


def test_no_kill_power_cut_or_failed_write_harms_a_store(start, finish, tmp_path):
    ran, trials = run(start, finish, tmp_path, ("-m", "tests.torture"), "--kills", 60, "--failures", 30)
    assert (ran.code, ran.err) == (0, "")
    assert len(trials) == 90
    assert [trial for trial in trials if trial["fault_found"]] == []
    assert {trial["left"] for trial in trials} == {"before", "after"}


@pytest.mark.parametrize("encrypted", [False, True])
def test_two_learners_that_are_killed_lose_no_generation_and_readers_see_only_whole_ones(tmp_path, encrypted):
    crowd = torment(tmp_path, kills=3, seed=0, encrypted=encrypted)
    assert crowd.faults == ()
    assert crowd.told > 0
    assert crowd.seen > 1


@pytest.mark.long
def test_a_store_that_does_not_wait_for_the_disk_is_found_out(start, finish, tmp_path):
    ran, trials = run(start, finish, tmp_path, ("-c", CARELESS), "--kills", 80, "--failures", 0)
    assert ran.code == 1
    harmed = [trial for trial in trials if trial["fault_found"]]
    assert harmed
    # Without a power cut the page cache survives, and with it every write.
    assert {trial["fault"] for trial in harmed} == {"cut"}
