"""Names in the messages and files of fleets, read with SQLite, JSON and cryptography alone."""

import hashlib
import itertools
import json
import sqlite3
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from tests.golden.stores import STORES

from edge_tosca import Learner
from edge_tosca.packs.fleet.administration import Administration
from edge_tosca.packs.fleet.box import Box
from edge_tosca.packs.fleet.membership import read_invitation, save_membership
from edge_tosca.packs.fleet.memory_broker import MemoryBroker

SIGNED = {"kind", "format", "fleet", "key", "number"}
BODIES = {
    "roster": {"members", "epoch", "keys", "names", "margin"},
    "hello": {"online", "version", "fingerprint", "generation", "temperature", "free_disk"},
    "have": {"held", "refused", "deleted", "missing", "judged", "generation", "erasures_since"},
    "offer": {"group", "pack", "fingerprint", "size"},
    "tombstone": {"group", "pack", "reason"},
}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """A box that published its lessons and deleted one: the folder, the store's path, and the broker."""
    folder = tmp_path_factory.mktemp("fleet")
    admin = Administration.create(folder / "shop", "shop", "mqtt://broker")
    admin.invite(folder / "a.invitation", "a")
    learner = Learner.open(STORES["few"].copy(folder))
    path = learner.store.path
    save_membership(path, read_invitation(folder / "a.invitation", datetime.now(UTC)))
    broker = MemoryBroker()
    membership = read_invitation(folder / "a.invitation", datetime.now(UTC))
    box = Box(learner.store, membership, broker.client(), clock=itertools.count().__next__)
    for _ in range(12):
        box.step(0)
    box.delete(sorted(box.holder.have(box._goal).held)[0], "all")
    offered = dict(broker.retained)
    box.step(0)
    box.step(0)
    yield folder, path, {**offered, **broker.retained}
    box.close()
    learner.close()


def bodies(retained):
    return {name: json.loads(data) for name, data in retained.items() if "/blob/" not in name}


def test_every_message_is_canonical_json_signed_behind_the_magic_line(fleet):
    for wrapped in bodies(fleet[2]).values():
        assert set(wrapped) == {"body", "signature"}
        body = json.loads(wrapped["body"])
        assert wrapped["body"] == json.dumps(body, sort_keys=True, separators=(",", ":"))
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(body["key"]))
        key.verify(
            bytes.fromhex(wrapped["signature"]), b"edge-tosca fleet message\n" + wrapped["body"].encode()
        )


def test_the_topics_and_the_keys_of_the_bodies(fleet):
    found = {}
    for name, wrapped in bodies(fleet[2]).items():
        body = json.loads(wrapped["body"])
        found[body["kind"]] = set(body)
        assert (body["format"], body["fleet"]) == (1, "shop")
        assert name.startswith("edge-tosca/shop/v1/")
        place = {
            "roster": "roster",
            "hello": "box/a/hello",
            "have": "box/a/have",
            "offer": f"set/all/add/{body.get('pack')}",
            "tombstone": f"set/all/del/{body.get('pack')}",
        }
        assert name.removeprefix("edge-tosca/shop/v1/") == place[body["kind"]]
    assert found == {kind: names | SIGNED for kind, names in BODIES.items()}


def test_a_blob_is_a_pack_encrypted_under_the_fleet_key(fleet):
    folder, _, retained = fleet
    [key] = json.loads((folder / "shop" / "fleet.json").read_text())["keys"].items()
    blobs = {name.rpartition("/")[2]: data for name, data in retained.items() if "/blob/" in name}
    assert blobs
    for digest, blob in blobs.items():
        assert blob[:4] == b"etf1" and int.from_bytes(blob[4:8], "big") == int(key[0]) == 1
        pack = AESGCM(bytes.fromhex(key[1])).decrypt(blob[8:20], blob[20:], blob[:8] + digest.encode())
        assert hashlib.sha256(pack).hexdigest() == digest


def test_the_files_of_a_box_and_the_settings_of_its_store(fleet):
    _, path, _ = fleet
    folder = path.with_name(f"{path.name}.fleet")
    assert {file.name for file in folder.iterdir()} == {"member.json", "records.db"}
    names = {"format", "fleet", "box", "administrator", "broker", "objects", "share", "roster"}
    assert set(json.loads((folder / "member.json").read_text())) == names | {"private", "exchange"}
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT key, value FROM settings WHERE key LIKE 'fleet pack %'").fetchall()
    assert rows
    for key, value in rows:
        assert len(key.removeprefix("fleet pack ")) == 64
        task, group = map(int, value.split(" "))
        assert task < 0 < group
