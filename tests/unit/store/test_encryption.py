import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tests.torture.verbs import (
    KEY,
    OTHER_KEY,
    create,
    few,
    locked,
    many,
    reopen,
    snapshot,
    with_keys,
)

from edge_tosca.errors import StoreError
from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.history import rename_class
from edge_tosca.learner.verification import verify
from edge_tosca.store.crypto.keys import UserKey, unwrap, wrap
from edge_tosca.store.crypto.row_cipher import RowCipher
from edge_tosca.store.encryption import decrypt, encrypt, rekey
from edge_tosca.store.schema import ENCRYPTED, FORMAT
from edge_tosca.store.source_images import SourceImage
from edge_tosca.store.store import Store

CONTENTS = {
    "features": ("features", "data"),
    "modules": ("modules", "data"),
    "held-out answers": ("modules", "evidence"),
    "router": ("routers", "data"),
    "sums": ("statistics", "data"),
    "reports": ("generations", "report"),
}


@pytest.fixture
def keys(tmp_path):
    (tmp_path / KEY).write_text("5a" * 32)
    (tmp_path / KEY).chmod(0o600)
    (tmp_path / OTHER_KEY).write_text("a passphrase of several words")
    (tmp_path / OTHER_KEY).chmod(0o600)
    return tmp_path / KEY, tmp_path / OTHER_KEY


@pytest.fixture
def plain(tmp_path):
    with_keys(tmp_path / "shop.tosca")
    return tmp_path / "shop.tosca"


@pytest.fixture
def secret(tmp_path):
    locked(many)(tmp_path / "shop.tosca")
    return tmp_path / "shop.tosca"


def told(action, *arguments):
    with pytest.raises(StoreError) as caught:
        action(*arguments)
    (line,) = str(caught.value).splitlines()
    return line


def plain_bytes_of(store):
    """Whatever a store holds that its file must not show, in pieces, since pages tear what is long."""
    state = store.state()
    contents = {group.label: store.features(group) for group in state.groups}
    contents |= {task.name: np.frombuffer(store.module(task.module), np.uint8) for task in state.tasks}
    contents |= {task.module: store.evidence(task.module).astype("<f2") for task in state.tasks}
    for table in ("routers", "statistics"):
        contents |= {f"{table} {name}": array for name, array in store.derived(table).items()}
    found = {name: pieces(array.tobytes()) for name, array in contents.items()}
    names = [*state.labels, *(task.name for task in state.tasks), *(task.module for task in state.tasks)]
    pictures = [taught.digest for entry in store.history() for taught in entry.taught]
    return found | {f"the text {name}": [name.encode()] for name in (*names, *pictures)}


def pieces(data, length=32):
    cut = [data[at : at + length] for at in range(0, len(data) - length, length)]
    # Zeros are everywhere.
    return [piece for piece in cut if len(set(piece)) > length // 4]


def shown(path, hidden):
    """Names of what can be read in the bytes of a store's file and log."""
    files = [Path(f"{path}{end}") for end in ("", "-wal")]
    data = b"".join(file.read_bytes() for file in files if file.exists())
    return {name for name, cut in hidden.items() if any(piece in data for piece in cut)}


def test_an_encrypted_learner_answers_as_a_plain_one_does_to_the_last_bit(tmp_path):
    (tmp_path / "plain").mkdir()
    (tmp_path / "secret").mkdir()
    many(tmp_path / "plain" / "shop.tosca")
    locked(many)(tmp_path / "secret" / "shop.tosca")
    plain, secret = snapshot(tmp_path / "plain" / "shop.tosca"), snapshot(tmp_path / "secret" / "shop.tosca")
    assert plain[:3] == secret[:3]
    assert (plain[3], secret[3]) == (False, True)


def test_no_content_name_or_telling_digest_is_in_the_file_or_its_log(secret):
    store = reopen(secret)
    with store.transaction():
        files = {0: SourceImage(Path("/photos/somebody.jpg"), "ab" * 32)}
        store.pictures.put(store.state().groups[0].features, files)
    assert store.pictures.of(store.state().groups[0].features) == files
    hidden = plain_bytes_of(store) | {"path": [b"/photos/somebody.jpg"], "digest": [b"ab" * 32]}
    # With the log full, and with the log written back.
    assert shown(secret, hidden) == set()
    store.close()
    assert shown(secret, hidden) == set()


def test_encrypting_leaves_no_plain_byte_and_decrypting_brings_all_of_it_back(plain, keys):
    before = snapshot(plain)
    with closing(Store.open(plain)) as store:
        hidden = {name: cut for name, cut in plain_bytes_of(store).items() if cut}
    # The router's few numbers of calibration may be too few for a piece.
    assert len(hidden) > 25
    assert shown(plain, hidden) == set(hidden)
    assert encrypt(plain, keys[0])
    assert shown(plain, hidden) == set()
    assert snapshot(plain)[:3] == before[:3]
    decrypt(plain, keys[0])
    assert snapshot(plain) == before
    with closing(Store.open(plain)) as store:
        assert [entry.content["command"] for entry in store.audit_log.all()][-2:] == ["encrypt", "decrypt"]
        assert store.query("PRAGMA user_version") == [(FORMAT,)]


def test_encrypting_again_writes_over_what_an_interrupted_call_left(plain, keys):
    assert encrypt(plain, keys[0])
    head = snapshot(plain)
    assert not encrypt(plain, keys[0])
    assert snapshot(plain) == head


@pytest.mark.parametrize("fresh", [False, True])
def test_after_a_change_of_keys_the_new_one_opens_the_store_and_the_old_one_does_not(secret, keys, fresh):
    before = snapshot(secret)
    with closing(reopen(secret)) as store:
        data_key = store.cipher.data_key
    rekey(secret, keys[1], keys[0], fresh=fresh)
    assert "this key does not open it" in told(Store.open, secret, keys[0])
    with closing(Store.open(secret, keys[1])) as store:
        assert (store.cipher.data_key == data_key) != fresh
        assert verify(store).discrepancies == ()
    assert snapshot(secret)[:3] == before[:3]


def test_a_missing_wrong_or_needless_key_is_told_with_what_to_do(secret, plain_store, keys, monkeypatch):
    for name in ("EDGE_TOSCA_KEY", "EDGE_TOSCA_KEY_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    missing = told(Store.open, secret)
    assert "is encrypted; give its key by --key-file FILE" in missing
    assert "EDGE_TOSCA_KEY" in missing
    assert "systemd credential" in missing
    assert "this key does not open it" in told(Store.open, secret, keys[1])
    assert "edge-tosca store encrypt" in told(Store.open, plain_store, keys[0])
    assert "cannot be read" in told(Store.open, secret, keys[0].with_name("nowhere"))
    keys[1].write_text("short")
    keys[1].chmod(0o600)
    assert "too short" in told(Store.open, secret, keys[1])
    assert "no key to encrypt it with" in told(encrypt, plain_store)
    assert "is not encrypted" in told(decrypt, plain_store, keys[0])


@pytest.fixture
def plain_store(tmp_path):
    (tmp_path / "plain").mkdir()
    few(tmp_path / "plain" / "shop.tosca")
    return tmp_path / "plain" / "shop.tosca"


def test_the_key_is_found_in_a_file_the_environment_or_a_systemd_credential(
    secret, keys, tmp_path, monkeypatch
):
    monkeypatch.setenv("EDGE_TOSCA_KEY_FILE", str(keys[0]))
    Store.open(secret).close()
    monkeypatch.delenv("EDGE_TOSCA_KEY_FILE")
    monkeypatch.setenv("EDGE_TOSCA_KEY", keys[0].read_text())
    Store.open(secret).close()
    monkeypatch.delenv("EDGE_TOSCA_KEY")
    (tmp_path / "credentials").mkdir()
    # As systemd-creds may have it: the 32 bytes themselves.
    (tmp_path / "credentials" / "edge-tosca-key").write_bytes(b"\x5a" * 31 + b"\x5a")
    (tmp_path / "credentials" / "edge-tosca-key").chmod(0o444)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    assert "this key does not open it" in told(Store.open, secret)
    shutil.copy(keys[0], tmp_path / "credentials" / "edge-tosca-key")
    Store.open(secret).close()


def test_a_key_that_others_can_read_is_refused_with_the_command_that_mends_it(secret, keys, monkeypatch):
    keys[0].chmod(0o644)
    for use in (
        lambda: Store.open(secret, keys[0]),
        lambda: rekey(secret, keys[0], keys[0]),
        lambda: Store.create(secret.with_name("new"), {}, keys[0]),
    ):
        assert told(use).endswith(f"chmod 600 {keys[0]}")
    assert not secret.with_name("new").exists()
    monkeypatch.setenv("EDGE_TOSCA_KEY_FILE", str(keys[0]))
    assert "can be read by other users" in told(Store.open, secret)
    keys[0].chmod(0o600)
    Store.open(secret).close()


@pytest.mark.parametrize(("table", "column"), CONTENTS.values(), ids=CONTENTS)
def test_a_row_in_another_ones_place_is_refused(secret, keys, table, column):
    """Somebody without the key copies a row of an earlier file, or of the same table, into another row."""
    with closing(sqlite3.connect(secret, isolation_level=None)) as connection:
        rows = connection.execute(f"SELECT rowid, {column} FROM {table}").fetchall()
        if len(rows) > 1:
            (first, one), (second, other) = rows[:2]
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (other, first))
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (one, second))
        else:
            (((row, data),), place) = (rows, len(rows[0][1]) // 2)
            changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (changed, row))
    store = Store.open(secret, keys[0])
    assert verify(store).discrepancies
    reading = {
        "features": lambda: [store.features(group) for group in store.state().groups],
        "modules": lambda: [
            (store.module(task.module), store.evidence(task.module)) for task in store.state().tasks
        ],
        "routers": lambda: store.derived("routers"),
        "statistics": lambda: store.derived("statistics"),
        "generations": store.history,
    }
    derived = table in ("routers", "statistics")
    remedy = "edge-tosca store solve" if derived else "changed or moved without the key"
    assert remedy in told(reading[table])


def test_who_makes_the_chain_anew_without_the_key_is_found(secret, keys):
    with closing(sqlite3.connect(secret, isolation_level=None)) as connection:
        rows = connection.execute("SELECT rowid, label FROM lives").fetchall()
        (first, one), (second, other) = rows[:2]
        connection.execute("UPDATE lives SET label = ? WHERE rowid = ?", (other, first))
        connection.execute("UPDATE lives SET label = ? WHERE rowid = ?", (one, second))
    with closing(Store.open(secret, keys[0])) as store:
        # The attacker has the whole program, and no key.
        store.audit_log.cipher.mac = lambda message: "00" * 32
        with store.transaction():
            store.set_setting("anything", "else")
    with closing(Store.open(secret, keys[0])) as store:
        assert "without the store's key" in " ".join(verify(store).discrepancies)


def test_forgetting_and_renaming_find_their_class_in_an_encrypted_store(secret):
    with closing(reopen(secret)) as store:
        forget_class(store, "brick")
        rename_class(store, "apple", "pear", merge=False)
        assert store.state().labels == ("pear", "cone", "door", "zebra")
        assert verify(store).discrepancies == ()
        assert not store.groups_ever("brick")


def test_an_older_program_refuses_an_encrypted_store(secret):
    with closing(sqlite3.connect(secret)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (ENCRYPTED,)


def test_a_reader_is_told_that_the_store_was_encrypted_meanwhile(plain, keys):
    with closing(Store.open(plain)) as reader:
        with closing(Store.open(plain)) as other:
            cipher = RowCipher(plain, bytes(32))
            with other.transaction():
                other.set_cipher("other", cipher, "encrypt")

        def read():
            with reader.snapshot():
                return reader.state()

        assert "open it again" in told(read)


def test_equal_contents_are_never_encrypted_to_equal_bytes(tmp_path):
    cipher = RowCipher(tmp_path, bytes(32))
    assert cipher.encrypt("features.data", 1, b"same") != cipher.encrypt("features.data", 1, b"same")
    # Names are looked up, so they have to be.
    assert cipher.encrypt_name("lives.label", "same") == cipher.encrypt_name("lives.label", "same")
    assert cipher.encrypt_name("lives.label", "same") != cipher.encrypt_name("tasks.name", "same")


@pytest.mark.parametrize("kind", ["5a" * 32, "a passphrase of several words", b"\xff" * 32])
def test_a_wrapped_key_opens_with_its_own_key_alone(tmp_path, kind):
    key = UserKey.of(kind if isinstance(kind, bytes) else kind.encode() + b"\n", "here")
    assert key.passphrase == (kind == "a passphrase of several words")
    setting = wrap(key, b"k" * 32)
    assert unwrap(key, setting, tmp_path) == b"k" * 32
    assert "does not open" in told(unwrap, UserKey.of(b"another passphrase", "here"), setting, tmp_path)
    assert "does not open" in told(unwrap, key, "nonsense", tmp_path)
    assert "5a5a" not in repr(key)
    assert "passphrase of" not in repr(key)


def test_a_new_store_is_encrypted_from_its_first_byte(tmp_path, keys):
    store = create(tmp_path / "new.tosca")
    assert store.cipher.encrypted
    assert verify(store).discrepancies == ()
    store.close()
