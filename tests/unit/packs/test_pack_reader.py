"""Reading packs of strangers: every fault is one line, and costs no more memory than the file's limit."""

import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from edge_tosca.errors import EdgeToscaError, PackError
from edge_tosca.learner.task_training import train_task_module
from edge_tosca.packs import (
    Pack,
    PackedTask,
    SigningKey,
    container,
    make_key,
    read_pack,
    warnings_of,
    write_pack,
)
from edge_tosca.packs.importing import import_pack
from edge_tosca.store.store import Store

D = 32


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "key"
    make_key(path)
    return SigningKey.load(path)


def made(**changes):
    rng = np.random.default_rng(0)
    features = tuple(rng.normal(size=(4, D)).astype(np.float16) for _ in range(2))
    module, cosines = train_task_module(features)
    task = PackedTask(
        "desk",
        "2026-01-02T03:04:05.678+00:00",
        ("mug", "pen"),
        module.to_bytes(),
        cosines.astype(np.float16),
        features,
    )
    plain = {
        "fingerprint": "0f" * 32,
        "origin": "lite0",
        "feature_dim": D,
        "router": "fused",
        "private": False,
    }
    return Pack(**{**plain, "tasks": (task,), **changes})


@pytest.fixture(scope="module")
def pack():
    return made()


@pytest.fixture(scope="module")
def data(pack, key):
    return pack.to_bytes(key)


@pytest.fixture
def read(tmp_path):
    """Read bytes as a pack."""

    def reading(content):
        path = tmp_path / "some.pack"
        path.write_bytes(content)
        return read_pack(path)

    return reading


def told(action, *arguments):
    with pytest.raises(PackError) as caught:
        action(*arguments)
    message = str(caught.value)
    assert "\n" not in message
    return message


def forged(key, account=None, arrays=None, pack=None):
    """A pack that says other things, and is signed all the same."""
    pack = pack or made()
    account = {**json.loads(pack.account(key.public)), **(account or {})}
    message = json.dumps(account, sort_keys=True, separators=(",", ":"))
    signed = {"account": message, "signature": key.sign(container.signed_bytes(message))}
    tensors = {**pack._arrays(), **(arrays or {})}
    return bytes(save(tensors, metadata={"edge-tosca pack": json.dumps(signed, sort_keys=True)}))


# Reading what was written


def test_what_is_read_is_what_was_written(pack, data, read, key):
    found = read(data)
    assert found.key == key.public
    assert found.labels == ("mug", "pen")
    assert found.to_bytes(key) == data
    for mine, its in zip(pack.tasks[0].features, found.tasks[0].features, strict=True):
        np.testing.assert_array_equal(mine, its)


def test_a_pack_is_written_the_same_every_time(pack, data, key):
    assert pack.to_bytes(key) == data


def test_no_file_is_overwritten_by_a_pack(pack, key, tmp_path):
    path = tmp_path / "mugs.pack"
    path.write_text("mine")
    assert "exists already" in told(write_pack, path, pack, key)
    assert path.read_text() == "mine"
    assert "cannot be written" in told(write_pack, tmp_path / "none" / "mugs.pack", pack, key)


def test_a_pack_that_no_reader_would_take_is_not_written(pack, key, tmp_path, monkeypatch):
    monkeypatch.setattr(container, "MAX_BYTES", 1000)
    assert "fewer classes at a time" in told(write_pack, tmp_path / "mugs.pack", pack, key)
    assert not list(tmp_path.iterdir())


# Refusing what was not


@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80])
def test_one_changed_bit_anywhere_is_refused(data, read, mask):
    for place in range(0, len(data), max(1, len(data) // 300)):
        changed = bytearray(data)
        changed[place] ^= mask
        told(read, bytes(changed))


def test_one_changed_bit_in_the_account_or_its_signature_is_refused(data, read):
    length = int.from_bytes(data[:8], "little")
    for place in range(8 + length):
        for mask in (0x01, 0x20):
            changed = bytearray(data)
            changed[place] ^= mask
            told(read, bytes(changed))


@settings(max_examples=150)
@given(st.data())
def test_damage_of_any_kind_is_told_in_one_line(data, tmp_path_factory, draw):
    changed = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        start = draw.draw(st.integers(0, len(changed)))
        end = draw.draw(st.integers(start, min(len(changed), start + 64)))
        changed[start:end] = draw.draw(st.binary(max_size=64))
    if draw.draw(st.booleans()):
        del changed[draw.draw(st.integers(0, len(changed))) :]
    if bytes(changed) == data:
        return
    path = tmp_path_factory.getbasetemp() / "damaged.pack"
    path.write_bytes(changed)
    told(read_pack, path)


SURROGATE = json.dumps(
    {
        "__metadata__": {
            "edge-tosca pack": json.dumps({"account": '{"format":1,"key":"\ud800"}', "signature": ""})
        }
    }
).encode()


@settings(max_examples=150)
@given(st.binary(max_size=200), st.integers(0, 1 << 64).map(lambda n: n % (1 << 64)))
@example(b"", 0)
@example(b"{}", 2)
@example(b"[" * 190, 190)
@example(b'{"__metadata__":{"edge-tosca pack":"[]"}}', 41)
@example(b'{"__metadata__":[]}', 19)
@example(SURROGATE, len(SURROGATE))
def test_bytes_that_were_never_a_pack_are_told_in_one_line(tmp_path_factory, body, length):
    path = tmp_path_factory.getbasetemp() / "never.pack"
    path.write_bytes(length.to_bytes(8, "little") + body)
    told(read_pack, path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150)
@given(st.sampled_from([*sorted(json.loads(made().account(""))), "tasks.0", "classes.0"]), JSON)
@example("format", True)
@example("feature_dim", 10**30)
@example("private", 0)
def test_a_signed_account_of_other_types_is_told_in_one_line(key, tmp_path_factory, name, value):
    account = json.loads(made().account(key.public))
    if name == "tasks.0":
        account["tasks"][0] = value
    elif name == "classes.0":
        account["tasks"][0]["classes"][0] = value
    elif json.dumps(account[name]) == json.dumps(value) or isinstance(value, type(account[name])):
        return
    else:
        account[name] = value
    path = tmp_path_factory.getbasetemp() / "account.pack"
    path.write_bytes(forged(key, account))
    told(read_pack, path)


def test_a_newer_format_is_named(read, key):
    assert "has format 2, this program reads 1; update" in told(read, forged(key, {"format": 2}))


def test_a_signature_of_another_key_is_wrong(pack, read, key, tmp_path):
    make_key(tmp_path / "other")
    other = SigningKey.load(tmp_path / "other")
    data = pack.assembled(key.public, other.sign(container.signed_bytes(pack.account(key.public))))
    assert "signature is wrong" in told(read, data)


@pytest.mark.parametrize("signature", ["", "zz", "00" * 64, "00" * 63])
def test_what_is_no_signature_is_wrong(pack, read, key, signature):
    assert "signature is wrong" in told(read, pack.assembled(key.public, signature))


def test_an_array_that_the_account_does_not_know_is_refused(read, key):
    assert "damaged" in told(read, forged(key, arrays={"more": np.zeros(3, np.float16)}))


@pytest.mark.parametrize(
    "rows",
    [
        np.full((4, D), np.nan, np.float16),
        np.full((4, D), np.inf, np.float16),
        np.zeros((4, D), np.float32),
        np.zeros((4, D + 1), np.float16),
        np.zeros((0, D), np.float16),
        np.zeros(4 * D, np.float16),
    ],
    ids=["nan", "inf", "float32", "wide", "empty", "flat"],
)
def test_features_of_another_kind_are_refused_even_if_signed(key, read, rows):
    whole = made().tasks[0]
    # As many cosines as rows, so that nothing but the rows is at fault.
    cosines = whole.cosines[: len(rows) + 4] if rows.ndim == 2 else whole.cosines
    task = PackedTask(
        whole.name, whole.learned_at, whole.labels, whole.module, cosines, (rows, whole.features[1])
    )
    finite = np.isfinite(rows).all()
    assert ("damaged" if finite else "'mug' are not finite") in told(read, made(tasks=(task,)).to_bytes(key))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1.01, -2])
@pytest.mark.parametrize("where", [(0, 0), (3, slice(None)), slice(None)], ids=["one", "a row", "all"])
def test_cosines_that_no_learner_writes_are_refused_even_if_signed(key, read, value, where):
    whole = made().tasks[0]
    cosines = whole.cosines.copy()
    cosines[where] = value
    task = PackedTask(whole.name, whole.learned_at, whole.labels, whole.module, cosines, whole.features)
    assert "held-out cosines of task 'desk'" in told(read, made(tasks=(task,)).to_bytes(key))


@pytest.mark.parametrize("counts", [(4,), (1, 4), (1, 1)])
def test_a_picture_without_a_held_out_answer_is_none_of_these_faults(key, read, counts):
    """NaN is what a learner writes for a picture that is alone in its class, and in a task of one class."""
    rng = np.random.default_rng(0)
    features = tuple(rng.normal(size=(count, D)).astype(np.float16) for count in counts)
    module, cosines = train_task_module(features)
    assert np.isnan(cosines).any()
    task = made().tasks[0]
    labels = task.labels[: len(counts)]
    packed = PackedTask(
        task.name, task.learned_at, labels, module.to_bytes(), cosines.astype(np.float16), features
    )
    assert read(made(tasks=(packed,)).to_bytes(key)).labels == labels


@pytest.mark.parametrize("rows", [np.zeros((4, D)), np.ones((4, D)), np.arange(4)[:, None] * np.ones(D) + 1])
def test_a_class_whose_features_are_all_alike_is_a_warning(key, read, rows):
    whole = made().tasks[0]
    features = (rows.astype(np.float16), whole.features[1])
    task = PackedTask(whole.name, whole.learned_at, whole.labels, whole.module, whole.cosines, features)
    (warning,) = warnings_of(read(made(tasks=(task,)).to_bytes(key)))
    assert "all 4 features of class 'mug' are alike" in warning
    assert not warnings_of(made())


def test_the_pages_have_the_largest_pack_that_the_reader_and_the_console_take():
    limits = pytest.importorskip("edge_tosca.console.http.limits", reason="the console is not installed")
    assert container.MAX_BYTES == limits.PACK_BYTES
    size = container.MAX_BYTES >> 20
    written = {"packs": f"{size} MiB", "console": f"16, 64, {size}, 1 MiB", "hostile-input": f"{size} MiB"}
    for page, figure in written.items():
        assert figure in (Path(__file__).parents[3] / f"docs/{page}.md").read_text(), page


@pytest.mark.parametrize("label", ["a\nb", "", " mug", "x" * 201])
def test_a_label_that_could_not_be_taught_is_refused_even_if_signed(key, read, label):
    whole = made().tasks[0]
    labels = (label, "pen")
    task = PackedTask(whole.name, whole.learned_at, labels, whole.module, whole.cosines, whole.features)
    told(read, made(tasks=(task,)).to_bytes(key))


@pytest.mark.parametrize("text", ["a\nb", "\x1b[2J", "x" * 201, "\u202e"])
def test_text_that_could_pass_for_our_own_lines_is_refused_even_if_signed(key, read, text):
    whole = made().tasks[0]
    task = PackedTask(text, whole.learned_at, whole.labels, whole.module, whole.cosines, whole.features)
    assert "damaged" in told(read, made(tasks=(task,)).to_bytes(key))
    assert "damaged" in told(read, made(origin=text).to_bytes(key))


@pytest.mark.parametrize("kind", ["cut", "other classes", "wide", "nan"])
def test_a_module_that_does_not_fit_is_refused_even_if_signed(key, read, kind, tmp_path):
    whole = made().tasks[0]
    rng = np.random.default_rng(1)
    wide = {"prototypes": np.zeros((2, 40_000), np.float16)}
    module = {
        "cut": whole.module[:-5],
        "other classes": train_task_module([rng.normal(size=(4, D)) for _ in range(3)])[0].to_bytes(),
        "wide": bytes(save(wide, metadata={"luca": '{"flow": "tosca", "format": 1, "scale": 1.0}'})),
        "nan": whole.module[:-2] + np.array(np.nan, np.float16).tobytes(),
    }[kind]
    task = PackedTask(whole.name, whole.learned_at, whole.labels, module, whole.cosines, whole.features)
    found = read(made(tasks=(task,)).to_bytes(key))
    plain = {"bundle": "", "runtime": "onnxruntime", "device": "CPU", "router": "fused", "refused": "0.05"}
    plain["feature_dim"] = str(D)
    store = Store.create(tmp_path / "box.tosca", {**plain, "fingerprint": "0f" * 32, "origin": "lite0"})
    tracemalloc.start()
    message = told(lambda: import_pack(store, found, trusted=[key.public]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "has a module that does not fit" in message
    # Unfolded, the wide one would take 800 MB.
    assert peak < 8 << 20
    assert store.latest() == 0
    store.close()


# Bounds


def test_a_header_that_claims_to_be_huge_costs_no_memory(tmp_path):
    path = tmp_path / "huge.pack"
    for length in (1 << 63, 1 << 40, 100 << 20, (2 << 20) + 1):
        with path.open("wb") as file:
            file.write(length.to_bytes(8, "little"))
            file.truncate(container.MAX_BYTES)
        tracemalloc.start()
        told(read_pack, path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < container.MAX_BYTES + (1 << 20)


def test_the_deepest_and_widest_header_stays_within_bounds(tmp_path):
    path = tmp_path / "wide.pack"
    for unit, end in ((b"[", b""), (b"[],", b"0]")):
        body = (b"[" if end else b"") + unit * (((2 << 20) - 4) // len(unit)) + end
        path.write_bytes(len(body).to_bytes(8, "little") + body)
        tracemalloc.start()
        told(read_pack, path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # An empty list costs Python 64 bytes and the two letters and comma of its text.
        assert peak < 80 << 20


def test_a_file_beyond_the_limit_is_refused_before_it_is_read_whole(tmp_path):
    path = tmp_path / "large.pack"
    with path.open("wb") as file:
        file.truncate(8 << 30)
    tracemalloc.start()
    message = told(read_pack, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "more than 32 MiB" in message
    assert peak < 2 * container.MAX_BYTES


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "none", tmp_path / ("x" * 300)):
        told(read_pack, path)
    told(read_pack, type(tmp_path)("/dev/zero"))


# Keys


def test_a_private_key_is_for_its_owner_alone_and_never_overwritten(tmp_path):
    before = os.umask(0)
    try:
        make_key(tmp_path / "key")
    finally:
        os.umask(before)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    kept = (tmp_path / "key").read_bytes(), (tmp_path / "key.pub").read_bytes()
    assert "exists already" in told(make_key, tmp_path / "key")
    (tmp_path / "key.pub").rename(tmp_path / "elsewhere.pub")
    assert "exists already" in told(make_key, tmp_path / "key")
    (tmp_path / "elsewhere.pub").rename(tmp_path / "key.pub")
    assert ((tmp_path / "key").read_bytes(), (tmp_path / "key.pub").read_bytes()) == kept
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "key.pub"]


def test_a_key_does_not_follow_a_link_out_of_its_folder(tmp_path):
    (tmp_path / "key").symlink_to(tmp_path / "target")
    told(make_key, tmp_path / "key")
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize(
    "content", [b"", b"mug", b"-----BEGIN PRIVATE KEY-----\nzz\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_no_key_is_told_in_one_line(tmp_path, content):
    from edge_tosca.packs import load_public_key

    (tmp_path / "key").write_bytes(content)
    told(SigningKey.load, tmp_path / "key")
    told(load_public_key, tmp_path / "key")
    told(load_public_key, tmp_path / "none")


def test_a_private_key_that_others_can_read_signs_nothing(tmp_path):
    make_key(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    assert told(SigningKey.load, tmp_path / "key").endswith(f"chmod 600 {tmp_path / 'key'}")
    (tmp_path / "key").chmod(0o400)
    SigningKey.load(tmp_path / "key")


def test_a_private_key_is_not_taken_for_a_public_one(tmp_path):
    from edge_tosca.packs import load_public_key

    make_key(tmp_path / "key")
    assert "name the public one beside it" in told(load_public_key, tmp_path / "key")
    assert "not a private key" in told(SigningKey.load, tmp_path / "key.pub")


def test_errors_of_packs_are_errors_that_a_user_may_meet():
    assert issubclass(PackError, EdgeToscaError)
