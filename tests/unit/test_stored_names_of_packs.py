"""Names in files that travel: class packs and backbone bundles."""

import hashlib
import json
from importlib.resources import files

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from safetensors.numpy import load
from tests.golden.stores import GOLDEN, STORES

from edge_tosca import Learner
from edge_tosca.packs import SigningKey, export_classes, make_key, write_pack


def pack_made_now(folder):
    make_key(folder / "signer")
    learner = Learner.open(STORES["few"].copy(folder))
    path = folder / "now.pack"
    write_pack(path, export_classes(learner.store, ["cone", "door"]), SigningKey.load(folder / "signer"))
    learner.close()
    return path, folder / "signer.pub"


@pytest.fixture(params=["golden", "private", "now"])
def pack(request, tmp_path):
    """A pack's bytes and the file of its signer's public key."""
    if request.param == "now":
        path, key = pack_made_now(tmp_path)
    else:
        name = {"golden": "classes.pack", "private": "private.pack"}[request.param]
        path, key = GOLDEN / name, GOLDEN / "signer.pub"
    return path.read_bytes(), load_pem_public_key(key.read_bytes())


def signed(data):
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert list(header["__metadata__"]) == ["edge-tosca pack"]
    return json.loads(header["__metadata__"]["edge-tosca pack"])


def test_a_pack_is_signed_over_its_account_behind_the_magic_line(pack):
    data, key = pack
    entry = signed(data)
    assert set(entry) == {"account", "signature"}
    key.verify(bytes.fromhex(entry["signature"]), b"edge-tosca class pack\n" + entry["account"].encode())


def test_the_keys_of_a_packs_account(pack):
    data, key = pack
    text = signed(data)["account"]
    account = json.loads(text)
    assert text == json.dumps(account, sort_keys=True, separators=(",", ":"))
    keys = {"format", "fingerprint", "origin", "feature_dim", "router", "private", "tasks", "key"}
    assert (set(account), account["format"]) == (keys, 1)
    assert account["key"] == key.public_bytes_raw().hex()
    for task in account["tasks"]:
        assert set(task) == {"name", "learned_at", "module", "cosines", "classes"}
        assert all(set(one) == {"label", "images", "features"} for one in task["classes"])


def test_a_pack_names_its_arrays_by_task_and_class_and_the_account_their_digests(pack):
    data, _ = pack
    arrays, account = load(data), json.loads(signed(data)["account"])
    digest = {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in arrays.items()}
    named = set()
    for place, task in enumerate(account["tasks"]):
        assert digest[f"{place}.module"] == task["module"]
        assert digest[f"{place}.cosines"] == task["cosines"]
        named |= {f"{place}.module", f"{place}.cosines"}
        for position, one in enumerate(task["classes"]):
            assert digest[f"{place}.{position}.features"] == one["features"]
            named.add(f"{place}.{position}.features")
    assert named == set(arrays)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "efficientnet_lite0_288"])
def test_the_keys_of_a_bundles_manifest(name):
    bundle = files("edge_tosca.runtime").joinpath("bundles", name)
    manifest = json.loads(bundle.joinpath("manifest.json").read_text(encoding="utf-8"))
    keys = "feature_dim fidelity files format golden input licence name precision quantization source"
    assert set(keys.split()) <= set(manifest)
    assert manifest["format"] == 1
    input_keys = {"size", "mean", "std", "interpolation", "crop_pct", "layout", "batch"}
    assert set(manifest["input"]) == input_keys
    assert set(manifest["golden"][0]) == {"width", "height", "across", "down", "twist", "feature"}
    for file, digest in manifest["files"].items():
        # One graph serves both.
        of = bundle if bundle.joinpath(file).is_file() else bundle.parent.joinpath("efficientnet_lite0")
        assert hashlib.sha256(of.joinpath(file).read_bytes()).hexdigest() == digest
