"""Names that lie in every user's store: read with SQLite and safetensors, past the program."""

import hashlib
import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import numpy as np
import pytest
from safetensors.numpy import load
from tests.golden.decrypting import spelt
from tests.golden.stores import GOLDEN, STORES, queries

from edge_tosca import Learner

COLUMNS = {
    "settings": "key value",
    "generations": "number parent made_at command report",
    "modules": "digest data evidence",
    "tasks": "id name learned_at module",
    "features": "id data",
    "classes": "id task position images features",
    "lives": "class label born died",
    "statistics": "generation data",
    "routers": "generation data",
    "digests": "kind key salt digest",
    "seals": "number generation entry digest",
}

PICTURES = "features position path sha256"
"""Columns of the table that is there where files are remembered."""

ORIGIN = {"bundle", "runtime", "device", "fingerprint", "origin", "backbone", "preprocessing", "golden"}
LATER = {"max_bytes", "feature_parts", "strictness", "regions", "severity", "tally_days"}
SETTINGS = {*ORIGIN, "feature_dim", "router", "refused"}

ROUTER = {
    "weights": "float32",
    "bias": "float32",
    "worth": "float32",
    "shift": "float32",
    "relief": "float32",
    "deviations": "int16",
    "steps": "float32",
    "lengths": "float32",
    "background": "float32",
    "familiarity": "float64",
    "threshold": "float64",
    "scalars": "float64",
    "calibration": "float32",
}
OF_SEVERAL_LESSONS = {
    "joined_units": "int32",
    "joined_weights": "float32",
    "joined_bias": "float32",
    "joined_worth": "float32",
    "joined_shift": "float32",
}
OF_THE_THRESHOLD = {"known_scores": "float32", "reference_scores": "float32", "scale": "float64"}
SUMS = {"counts": "int64", "steps": "int32", "triangle": "float64"}

TABLES = {
    "settings": "SELECT key, value FROM settings ORDER BY key",
    "generations": "SELECT number, parent, made_at, command FROM generations ORDER BY number",
    "modules": "SELECT m.digest, d.salt FROM modules m LEFT JOIN digests d"
    " ON d.kind = 'evidence' AND d.key = m.digest ORDER BY 1",
    "tasks": "SELECT t.id, t.name, t.learned_at, t.module, d.salt FROM tasks t LEFT JOIN digests d"
    " ON d.kind = 'evidence' AND d.key = t.module ORDER BY 1",
    "classes": "SELECT id, task, position, images, features FROM classes ORDER BY id",
    "lives": "SELECT class, label, born, died FROM lives ORDER BY rowid",
    "digests": "SELECT kind, key, salt, digest FROM digests ORDER BY kind, key",
    "pictures": "SELECT p.features, p.position, p.path, p.sha256, d.salt FROM pictures p LEFT JOIN digests d"
    " ON d.kind = 'features' AND d.key = p.features ORDER BY 1, 2",
}
"""What an audit entry's digest of a table is taken over."""


def rows(path, query):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def columns(path):
    names = [name for (name,) in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    described = {name: rows(path, f"PRAGMA table_info({name})") for name in names}
    return {name: " ".join(column[1] for column in found) for name, found in described.items()}


def arrays(data):
    return {name: str(array.dtype) for name, array in load(data).items()}


def program(*words):
    ran = subprocess.run(
        [sys.executable, "-m", "edge_tosca", *map(str, words)], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A store that this program made, and that was taught nothing yet."""
    path = tmp_path_factory.mktemp("fresh") / "shop.tosca"
    Learner.create(path).close()
    return path


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A store with remembered files and classes of several lessons, to which this program wrote every row."""
    path = STORES["many"].copy(tmp_path_factory.mktemp("written"))
    learner = Learner.open(path)
    learner.learn_features(
        {"lamp": queries("narrow")[:7], "vase": queries("narrow")[9:15]}, "new", force=True
    )
    learner.rename("lamp", "light")
    learner.close()
    return path


def test_the_tables_and_columns_of_a_new_store(fresh):
    assert {
        name: found for name, found in columns(fresh).items() if not name.startswith("sqlite_")
    } == COLUMNS


def test_remembered_files_have_a_table_of_their_own(written):
    assert columns(written)["pictures"] == PICTURES


def test_the_numbers_by_which_a_store_is_known(fresh):
    assert rows(fresh, "PRAGMA application_id") == [(0x546F7363,)]
    assert rows(fresh, "PRAGMA user_version") == [(2,)]
    assert fresh.read_bytes()[68:72] == b"Tosc"


def test_an_encrypted_store_has_a_format_of_its_own(tmp_path):
    assert rows(STORES["encrypted"].copy(tmp_path), "PRAGMA user_version") == [(3,)]


def test_the_settings_of_a_new_store(fresh):
    found = dict(rows(fresh, "SELECT key, value FROM settings"))
    assert found.keys() == SETTINGS | {"feature_parts"}
    assert found["feature_parts"] == "1280,112,192,320"
    assert (found["router"], found["refused"], found["bundle"]) == ("fused", "0.05", "")
    assert found["golden"].startswith(found["fingerprint"] + " ")
    assert hashlib.sha256().digest_size * 2 == len(found["backbone"]) == len(found["preprocessing"])


def test_the_settings_that_come_later(tmp_path):
    path = tmp_path / "shop.tosca"
    Learner.create(path, router="entropy", max_bytes=10_000_000).close()
    program("pack", "trust", path, GOLDEN / "signer.pub")
    program("store", "strictness", path, "strict")
    program("regions", "add", path, "left", "0,0,0.5,1", "--camera", "gate", "--trigger", "motion")
    program("store", "severity", path, "--unknown", "alarm")
    program("tally", path, "--keep", "30")
    found = dict(rows(path, "SELECT key, value FROM settings"))
    (trusted,) = found.keys() - SETTINGS - LATER
    box = {"name": "left", "box": [0, 0, 0.5, 1], "classes": [], "trigger": "motion"}
    assert json.loads(found["regions"]) == {"gate": [box]}
    assert json.loads(found["severity"]) == {"unknown": "alarm", "classes": {}}
    assert found["tally_days"] == "30"
    assert columns(path)["tally"] == "hour data"
    assert rows(path, "PRAGMA user_version") == [(6,)]
    assert json.loads(found["strictness"]) == {"all": 0.75, "classes": {}}
    assert (found["router"], found["max_bytes"]) == ("entropy", "10000000")
    assert trusted.startswith("trusted key ") and len(bytes.fromhex(trusted[12:])) == 32


def test_the_arrays_of_a_router(written, tmp_path):
    ((data,),) = rows(STORES["few"].copy(tmp_path), "SELECT data FROM routers")
    assert arrays(data) == ROUTER
    ((data,),) = rows(written, "SELECT data FROM routers")
    assert arrays(data) == ROUTER | OF_SEVERAL_LESSONS | OF_THE_THRESHOLD


def test_the_arrays_of_sums_features_and_held_out_cosines(written):
    ((data,),) = rows(written, "SELECT data FROM statistics")
    assert arrays(data) == SUMS
    assert {str(arrays(data)) for (data,) in rows(written, "SELECT data FROM features")} == {
        str({"features": "float16"})
    }
    assert {str(arrays(data)) for (data,) in rows(written, "SELECT evidence FROM modules")} == {
        str({"cosines": "float16"})
    }


def test_the_entries_and_tensors_of_a_module_file(written):
    for digest, data in rows(written, "SELECT digest, data FROM modules"):
        assert hashlib.sha256(data).hexdigest() == digest
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        about = json.loads(header["__metadata__"].pop("luca"))
        assert (about.keys(), header["__metadata__"]) == ({"format", "flow", "scale"}, {})
        assert (about["format"], about["flow"]) == (1, "tosca")
        names = {name.partition(".")[0] for name in load(data)}
        assert names == {"prototypes", "W1", "b1", "W2", "b2", "gain", "shift", "V1", "V2"}
        parts = {name.partition(".")[2] for name in load(data)}
        assert parts <= {"", "values", "columns", "row_sizes"}


def test_the_kinds_and_digests_of_what_is_too_large_for_an_entry(written):
    kinds = {kind for (kind,) in rows(written, "SELECT DISTINCT kind FROM digests")}
    assert kinds == {"features", "pictures", "evidence", "report", "routers", "statistics"}
    kept = {
        (kind, key): digest for kind, key, digest in rows(written, "SELECT kind, key, digest FROM digests")
    }
    for row, data in rows(written, "SELECT id, data FROM features"):
        assert kept["features", row] == hashlib.sha256(data).hexdigest()
    latest = rows(written, "SELECT f.id, f.data FROM features f ORDER BY f.id DESC LIMIT 1")
    for row, data in latest:
        pictures = sorted(hashlib.sha256(one.tobytes()).hexdigest() for one in load(data)["features"])
        assert kept["pictures", row] == hashlib.sha256("".join(pictures).encode()).hexdigest()
    for table in ("routers", "statistics"):
        ((key, data),) = rows(written, f"SELECT generation, data FROM {table}")
        assert kept[table, key] == hashlib.sha256(data).hexdigest()
    for key, report in rows(written, "SELECT number, report FROM generations WHERE report != '{}'"):
        assert kept["report", key] == hashlib.sha256(report.encode()).hexdigest()


def test_the_keys_of_an_audit_entry_and_what_its_digests_are_taken_over(written):
    entries = rows(written, "SELECT number, generation, entry, digest FROM seals ORDER BY number")
    before, left = "", None
    for number, generation, text, digest in entries:
        entry = json.loads(text)
        erased = {"erased"} if entry["command"] == "forget" else set()
        assert set(entry) - erased == {"number", "before", "found", "left", "generation", "command", "by"}
        assert (entry["number"], entry["generation"], entry["before"]) == (number, generation, before)
        assert digest == hashlib.sha256(text.encode()).hexdigest()
        assert text == spelt(entry)
        assert left is None or entry["found"] == hashlib.sha256(spelt(left).encode()).hexdigest()
        before, left = digest, entry["left"]
    assert set(entry["by"]) == {"user", "host", "at", "boot", "since_boot", "versions", "origin", "backbone"}
    assert set(entry["by"]["versions"]) == {"edge-tosca", "python", "numpy", "onnxruntime"}
    now = {
        table: hashlib.sha256(spelt(rows(written, query)).encode()).hexdigest()
        for table, query in TABLES.items()
    }
    assert entry["left"] == now


def test_a_change_by_a_user_of_the_console_names_the_user_and_the_role(tmp_path):
    path = STORES["many"].copy(tmp_path)
    learner = Learner.open(path)
    label = learner.state.labels[0]
    with learner.store.audit_log.changes_by({"name": "anna", "role": "teach"}):
        learner.rename(label, "renamed")
    learner.rename("renamed", label)
    learner.close()
    by, after = (
        json.loads(entry)["by"]
        for (entry,) in rows(
            path, "SELECT entry FROM (SELECT * FROM seals ORDER BY number DESC LIMIT 2) ORDER BY number"
        )
    )
    assert (by["name"], by["role"]) == ("anna", "teach")
    assert set(by) - set(after) == {"name", "role"}


def test_the_commands_that_a_history_names(written):
    made = [command for (command,) in rows(written, "SELECT command FROM generations ORDER BY number")]
    old = ["learn"] * 4 + ["rename", "merge", "forget", "learn", "rollback", "import"]
    assert made == [*old, "learn", "rename"]
    told = [
        json.loads(entry)["command"] for (entry,) in rows(written, "SELECT entry FROM seals ORDER BY number")
    ]
    assert [command for command in told if command not in made] == ["init", "settings", "settings"]


def test_the_keys_of_reports_in_the_history(written):
    query = "SELECT command, report FROM generations ORDER BY number"
    reports = {command: json.loads(report) for command, report in rows(written, query)}
    found = {command: " ".join(sorted(report)) for command, report in reports.items()}
    learned = "accuracy_by_class classes gate generation images module notes outcomes_by_class seconds"
    imported = "accuracy_by_class accuracy_new accuracy_old_after classes generation images key pack private"
    assert found == {
        "learn": f"{learned} skipped task thinned",
        "rename": "before classes",
        "merge": "before classes",
        "forget": "classes",
        "rollback": "to",
        "import": f"{imported} seconds tasks",
    }
    report = reports["learn"]
    gate = "accuracy_new accuracy_old_after accuracy_old_before advice confusions outcomes_new"
    rest = "outcomes_old_after outcomes_old_before reasons suspects verdict"
    assert " ".join(sorted(report["gate"])) == f"{gate} {rest}"
    assert set(report["module"]) == {"digest", "parameters", "nonzero", "bytes", "cross_fitted"}
    assert set(report["seconds"]) == {"features", "train", "commit", "total"}


def test_cached_features_are_those_that_were_taught_as_float16(written):
    data = rows(written, "SELECT data FROM features ORDER BY id DESC LIMIT 2")[1][0]
    assert np.array_equal(load(data)["features"], queries("narrow")[:7].astype(np.float16))
