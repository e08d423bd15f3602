"""A flipped bit in what answers are computed from is refused or harmless: no answer changes in silence."""

import json
import shutil
import sqlite3
from contextlib import closing

import pytest
from tests.torture.verbs import QUESTIONS, few, many, reopen

from edge_tosca.errors import StoreError
from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.history import rename_class
from edge_tosca.learner.model import Model
from edge_tosca.learner.solve import solve
from edge_tosca.learner.verification import verify
from edge_tosca.store.encryption import encrypt
from edge_tosca.store.store import Store

CONTENTS = (
    ("routers", "data"),
    ("statistics", "data"),
    ("features", "data"),
    ("modules", "data"),
    ("modules", "evidence"),
)
ROUTER, SUMS = CONTENTS[:2]


@pytest.fixture(scope="module", params=[few, many], ids=["features alone", "sums besides"])
def whole(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "shop.tosca"
    request.param(path)
    with closing(reopen(path)) as store:
        store.checkpoint(wait=True)
    return path


@pytest.fixture
def shop(whole, tmp_path):
    return shutil.copy(whole, tmp_path / "shop.tosca")


def flip(path, content, place, bit):
    """Flip one bit of the first row; False where the store has no such row."""
    table, column = content
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        row = connection.execute(f"SELECT min(rowid) FROM {table}").fetchone()[0]
        if row is None:
            return False
        with connection.blobopen(table, column, row) as blob:
            at = int(place * (len(blob) - 1))
            blob[at] = blob[at] ^ (1 << bit)
    return True


def answers(path):
    with closing(Store.open(path)) as store:
        told = Model(store, store.state()).predict(QUESTIONS, 9)
    return [(one.label, one.unknown, one.confidence, one.familiarity, one.top) for one in told]


def answers_after(path, change):
    with closing(Store.open(path)) as store:
        change(store)
    return answers(path)


def rename(store):
    rename_class(store, store.state().labels[0], "renamed", merge=False)


def forget(store):
    forget_class(store, store.state().labels[-1])


# The header, and numbers from first to last: sign and exponent (bits 7 and 6 of the last byte of a number),
# high and low bits of the mantissa fall among the places and bits.
PLACES = (0.0, 0.0005, 0.01, 0.1, 0.3, 0.5001, 0.75, 0.9003, 0.999, 1.0)


@pytest.mark.parametrize("content", CONTENTS, ids=".".join)
def test_a_flipped_bit_is_refused_or_changes_no_answer(shop, whole, tmp_path, content):
    expected, refused = answers(whole), 0
    for number, place in enumerate(PLACES):
        for bit in (number % 8, 7 - number % 4):
            shutil.copy(whole, shop)
            if not flip(shop, content, place, bit):
                assert content == SUMS
                return
            try:
                assert answers(shop) == expected
            except StoreError as error:
                refused += 1
                assert "\n" not in str(error)
    # Answers need neither sums nor features nor held-out cosines.
    assert refused == (2 * len(PLACES) if content == ROUTER else refused)


@pytest.mark.parametrize("change", [rename, forget])
@pytest.mark.parametrize("content", CONTENTS, ids=".".join)
def test_a_change_of_a_damaged_store_is_refused_or_as_that_of_a_whole_one(shop, whole, content, change):
    other = shutil.copy(whole, shop.with_name("other.tosca"))
    expected = answers_after(other, change)
    if not flip(shop, content, 0.7, 6):
        return
    before = shop.read_bytes()
    try:
        assert answers_after(shop, change) == expected
    except StoreError:
        assert shop.read_bytes() == before


def test_solving_mends_router_and_sums_and_verify_is_whole(shop, whole, capsys):
    expected = answers(whole)
    for content in (ROUTER, SUMS):
        flip(shop, content, 0.6, 6)
    with pytest.raises(StoreError, match=f"its router differs .* edge-tosca store solve {shop}"):
        answers(shop)
    with closing(Store.open(shop)) as store:
        generation = store.latest()
        assert solve(store) == generation == store.latest()
        assert json.loads(store.audit_log.all()[-1].text)["command"] == "solve"
        found = verify(store)
        assert (found.discrepancies, found.solved) == ((), True)
    assert answers(shop) == expected


def test_solving_refuses_damaged_features_and_says_what_to_do(shop):
    flip(shop, ("features", "data"), 0.5, 1)
    with (
        closing(Store.open(shop)) as store,
        pytest.raises(StoreError, match=r"cached features of a class differ .* edge-tosca verify"),
    ):
        solve(store)


@pytest.mark.parametrize("content", CONTENTS, ids=".".join)
def test_encrypting_does_not_record_a_damaged_content_as_right(shop, content, tmp_path):
    if content == ("modules", "data") or not flip(shop, content, 0.5, 3):
        return
    key = tmp_path / "store.key"
    key.write_text("a passphrase of several words")
    key.chmod(0o600)
    before = shop.read_bytes()
    with pytest.raises(StoreError, match="differ"):
        encrypt(shop, key)
    assert shop.read_bytes() == before


def test_without_a_recorded_digest_a_router_is_refused(shop):
    with closing(sqlite3.connect(shop, isolation_level=None)) as connection:
        connection.execute("DELETE FROM digests WHERE kind = 'routers'")
    with pytest.raises(StoreError, match="store solve"):
        answers(shop)
