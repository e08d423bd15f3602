"""Literals of which every encrypted store is made: each row is decrypted without any code of the program."""

import base64
import hashlib
import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from safetensors.numpy import load
from tests.golden.decrypting import Rows, spelt
from tests.golden.stores import GOLDEN, STORES, queries

from edge_tosca import Learner

KEY = bytes.fromhex("5a" * 32)
KEPT = "e4b67739b3975bfc376bc7b4f376d070fd4c542608c80e333bbb04dd1eaf8eca"
"""The sha256 of the picture that lies beside the golden store."""


def encrypted_now(folder):
    """Take a plain store, let the program encrypt it and write on under its key."""
    path = STORES["many"].copy(folder)
    key = folder / "store.key"
    key.write_text("5a" * 32)
    key.chmod(0o600)
    words = [sys.executable, "-m", "edge_tosca", "store", "encrypt", str(path), "--key-file", str(key)]
    subprocess.run(words, check=True, capture_output=True)
    learner = Learner.open(path, key_file=key)
    learner.learn_features({"lamp": queries("narrow")[:7]}, "new", force=True)
    learner.close()
    return path


@pytest.fixture(scope="module", params=["golden", "now"])
def connection(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    path = STORES["encrypted"].copy(folder) if request.param == "golden" else encrypted_now(folder)
    with closing(sqlite3.connect(path)) as opened:
        yield opened


@pytest.fixture(scope="module")
def rows(connection):
    return Rows(connection, KEY)


@pytest.mark.parametrize(
    ("table", "key", "array"),
    [
        ("features", "id", "features"),
        ("routers", "generation", "weights"),
        ("statistics", "generation", "triangle"),
    ],
)
def test_arrays_are_encrypted_for_their_table_and_row(connection, rows, table, key, array):
    found = connection.execute(f"SELECT {key}, data FROM {table}").fetchall()
    assert found
    for row, data in found:
        assert array in load(rows.content(f"{table}.data", row, data))


def test_modules_are_named_in_secret_and_encrypted_for_their_digest(connection, rows):
    found = connection.execute("SELECT digest, data, evidence FROM modules").fetchall()
    named = set()
    for hidden, data, evidence in found:
        digest = rows.name("modules.digest", hidden)
        assert hashlib.sha256(rows.content("modules.data", digest, data)).hexdigest() == digest
        assert list(load(rows.content("modules.evidence", digest, evidence))) == ["cosines"]
        named.add(hidden)
    assert {module for (module,) in connection.execute("SELECT module FROM tasks")} == named


def test_classes_and_tasks_are_named_in_secret(connection, rows):
    labels = {rows.name("lives.label", label) for (label,) in connection.execute("SELECT label FROM lives")}
    assert {"apple", "brick", "tile", "cone", "door", "striped horse", "wheel"} <= labels
    tasks = {rows.name("tasks.name", name) for (name,) in connection.execute("SELECT name FROM tasks")}
    assert {"first", "second"} <= tasks


def test_reports_are_encrypted_for_their_generation(connection, rows):
    query = "SELECT number, report FROM generations WHERE report != '{}' ORDER BY number"
    reports = [
        json.loads(rows.content("generations.report", row, data)) for row, data in connection.execute(query)
    ]
    assert reports[0]["classes"] == ["apple", "brick"]


def test_digests_of_pictures_are_hidden_for_their_row_of_features(connection, rows):
    query = "SELECT key, digest FROM digests WHERE kind = 'pictures'"
    for row, hidden in connection.execute(query).fetchall():
        assert len(bytes.fromhex(rows.name("digests.pictures", hidden, row))) == 32


def test_remembered_files_are_encrypted_for_their_place(connection, rows):
    found = connection.execute("SELECT features, position, path, sha256 FROM pictures").fetchall()
    paths = set()
    for features, position, path, digest in found:
        place = f"{features} {position}"
        plain = rows.content("pictures.path", place, path).decode()
        label, _, number = plain.removeprefix("/photos/").removesuffix(".jpg").partition("/")
        assert (
            rows.name("pictures.sha256", digest, place)
            == hashlib.sha256((label + number).encode()).hexdigest()
        )
        paths.add(plain)
    assert {"/photos/apple/0.jpg", "/photos/brick/8.jpg"} <= paths


def test_entries_of_the_audit_log_are_authenticated_by_the_stores_key(connection, rows):
    coded = 0
    for text, digest in connection.execute("SELECT entry, digest FROM seals ORDER BY number").fetchall():
        entry = json.loads(text)
        assert digest == hashlib.sha256(text.encode()).hexdigest()
        if "code" in entry:
            code = entry.pop("code")
            assert code == rows.code(entry)
            assert text == spelt({**entry, "code": code})
            coded += 1
    assert coded >= 2


def test_a_key_wraps_the_stores_own_by_hkdf_and_a_passphrase_by_scrypt(rows, tmp_path):
    assert rows.kind == "hkdf"
    with closing(sqlite3.connect(STORES["passphrase"].copy(tmp_path))) as opened:
        found = Rows(opened, (GOLDEN / "passphrase.key").read_bytes().strip())
        assert found.kind == "scrypt"
        labels = {found.name("lives.label", label) for (label,) in opened.execute("SELECT label FROM lives")}
    assert labels == {"apple", "brick"}


def test_a_passphrase_set_now_is_read_by_scrypt_too(tmp_path):
    path, key = tmp_path / "shop.tosca", tmp_path / "words.key"
    key.write_text("several words that somebody remembers\n")
    key.chmod(0o600)
    Learner.create(path, key_file=key).close()
    with closing(sqlite3.connect(path)) as opened:
        assert Rows(opened, b"several words that somebody remembers").kind == "scrypt"


def test_kept_pictures_are_encrypted_for_their_id(tmp_path):
    with closing(sqlite3.connect(STORES["encrypted"].copy(tmp_path))) as opened:
        rows = Rows(opened, KEY)
    beside = sqlite3.connect(
        f"{(GOLDEN / 'encrypted.tosca.pictures').as_uri()}?mode=ro&immutable=1", uri=True
    )
    with closing(beside) as opened:
        ((key, sealed, jpeg),) = opened.execute("SELECT id, sealed, jpeg FROM pictures")
    assert sealed == 1
    assert hashlib.sha256(rows.content("kept.jpeg", key, jpeg)).hexdigest() == KEPT


@pytest.mark.parametrize("way", ["EDGE_TOSCA_KEY", "EDGE_TOSCA_KEY_FILE", "edge-tosca-key"])
def test_a_key_is_found_in_the_environment_and_among_credentials(way, tmp_path):
    path = STORES["encrypted"].copy(tmp_path)
    (tmp_path / "edge-tosca-key").write_text("5a" * 32)
    (tmp_path / "edge-tosca-key").chmod(0o600)
    given = {
        "EDGE_TOSCA_KEY": {way: "5a" * 32},
        "EDGE_TOSCA_KEY_FILE": {way: str(tmp_path / "encrypted.key")},
        "edge-tosca-key": {"CREDENTIALS_DIRECTORY": str(tmp_path)},
    }[way]
    words = [sys.executable, "-m", "edge_tosca", "classes", str(path), "--json"]
    ran = subprocess.run(words, env=given, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_the_wrapped_key_is_a_kind_a_salt_and_a_sealed_key(connection):
    ((setting,),) = connection.execute("SELECT value FROM settings WHERE key = 'encryption'").fetchall()
    kind, salt, sealed = setting.split(" ")
    assert (kind, len(base64.b64decode(salt)), len(base64.b64decode(sealed))) == ("hkdf", 16, 12 + 32 + 16)
