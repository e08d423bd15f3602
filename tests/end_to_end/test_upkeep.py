"""verify and the verbs of `store`: what a file holds is vouched for, measured, shrunk and limited."""

import hashlib
import json
import sqlite3
from contextlib import closing

import pytest


def test_what_was_taught_is_as_it_was_left_until_somebody_else_changes_it(edge, taught, copy_store, tmp_path):
    store = copy_store(taught, tmp_path / "shop.tosca")
    sound = edge("verify", store, "--json").json
    assert (sound["ok"], sound["generations"], sound["solved"]) == (True, 2, True)
    assert sound["head"] in edge("verify", store, "--known", sound["head"][:12]).out
    assert edge("store", "check", store, "--json").json["head"] == sound["head"]
    with closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE lives SET label = 'pear' WHERE label = 'apple'")
    for verb in (("verify", store), ("store", "check", store)):
        assert "table lives is not as audit entry 3 left it" in edge(*verb).complaint
    strange = "0" * 64
    assert (
        edge("verify", store, "--known", strange).complaint.count(f"no audit entry has the digest {strange}")
        == 1
    )


def test_a_damaged_router_gives_no_answer_until_it_is_solved_again(edge, taught, asked, copy_store, tmp_path):
    store = copy_store(taught, tmp_path / "shop.tosca")
    question = ("predict", store, asked / "apple", "--json")

    def answer():
        ran = edge(*question)
        return [{**one, "milliseconds": None} for one in map(json.loads, ran.out.splitlines())]

    before = answer()
    with closing(sqlite3.connect(store)) as connection, connection:
        ((row, data),) = connection.execute("SELECT generation, data FROM routers").fetchall()
        damaged = bytearray(data)
        damaged[len(data) // 2] ^= 64
        connection.execute("UPDATE routers SET data = ? WHERE generation = ?", (bytes(damaged), row))
    ran = edge(*question)
    assert (ran.code, ran.out) == (1, "")
    assert f"with: edge-tosca store solve {store}" in ran.complaint
    assert edge("store", "solve", store, "--json").json == {"store": str(store), "generation": row}
    assert answer() == before
    assert edge("verify", store).code == 0
    assert "0 undone lessons" in edge("store", "prune", store).out


@pytest.mark.parametrize("known", ["abc", "0" * 65, "head 0123456789ab", ""])
def test_what_is_no_digest_raises_no_alarm(edge, taught, known):
    ran = edge("verify", taught, "--known", known)
    assert ran.code == 2
    (line,) = ran.err.splitlines()
    assert "is not a digest" in line
    assert "was changed outside" not in line


def test_history_tells_who_and_the_digest_of_the_very_files(edge, taught, photos):
    entries = edge("history", taught, "--json").json["generations"]
    (apple,) = (item for item in entries[0]["taught"] if item["label"] == "apple")
    files = [path.read_bytes() for path in (photos / "task1" / "apple").iterdir()]
    digests = sorted(hashlib.sha256(content).hexdigest() for content in files)
    assert apple["digest"] == hashlib.sha256("".join(digests).encode()).hexdigest()
    by = entries[0]["by"]
    said = edge("history", taught).out
    assert f"  {entries[0]['made_at'][:19]} UTC  {by['user']}@{by['host']}  " in said
    assert by["versions"].keys() >= {"edge-tosca", "python", "numpy", "onnxruntime"}
    assert entries[-1]["seal"] == edge("verify", taught, "--json").json["head"]


def test_a_store_is_measured_and_shrunk_and_answers_as_before(edge, taught, photos, copy_store, tmp_path):
    store = copy_store(taught, tmp_path / "shop.tosca")
    edge("forget", store, "apple")
    loose = edge("store", "stats", store, "--json").json
    assert (loose["classes"], loose["contents"]["modules"]["rows"]) == (3, 2)
    assert loose["free"] > 0
    question = photos / "task2" / "cone" / "000.jpg"
    before = edge("predict", store, question, "--json").json
    done = edge("store", "compact", store, "--json").json
    assert done["bytes_after"] < done["bytes_before"]
    assert edge("store", "stats", store, "--json").json["free"] == 0
    after = edge("predict", store, question, "--json").json
    assert {**after, "milliseconds": 0} == {**before, "milliseconds": 0}
    assert edge("verify", store).code == 0


def test_a_limit_is_set_shown_kept_and_lifted(edge, photos, tmp_path):
    store = tmp_path / "shop.tosca"
    edge("init", store, "--max-bytes", 1_000_000)
    assert edge("store", "limit", store, "--json").json == {"max_bytes": 1_000_000, "thinned": 0}
    edge("learn", store, photos / "task1", "--force")
    complaint = edge("store", "limit", store, 50_000).complaint
    assert "too few" in complaint
    assert edge("store", "limit", store, "--json").json["max_bytes"] == 1_000_000
    assert edge("store", "limit", store, 0, "--json").json == {"max_bytes": None, "thinned": 0}
    assert edge("verify", store).code == 0


def test_a_lesson_that_makes_features_give_way_says_so(edge, draw_pictures, tmp_path):
    store = tmp_path / "shop.tosca"
    draw_pictures(tmp_path / "photos", ("apple", "brick"), count=60, side=64)
    edge("init", store, "--max-bytes", 420_000)
    told = edge("learn", store, tmp_path / "photos", "--force").out
    assert "cached features deleted to stay within the size limit" in told
    assert edge("history", store, "--json").json["generations"][-1]["report"]["thinned"] > 0
