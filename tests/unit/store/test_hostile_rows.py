"""Rows that no program of ours wrote, as fuzzing found them: each is told as damage, in one line."""

import hashlib
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load, save
from tests.fuzz.shop import in_memory, shop

from edge_tosca.classifier.lda.statistics import GramStatistics
from edge_tosca.classifier.lda.upper_half import UpperHalf
from edge_tosca.errors import StoreError
from edge_tosca.learner.history import rename_class, rollback
from edge_tosca.learner.model import Model
from edge_tosca.learner.normalized_features import NormalizedFeatures
from edge_tosca.learner.refit import solve_router
from edge_tosca.learner.verification import verify
from edge_tosca.store.forget_notes import make_note
from edge_tosca.store.store import Store
from edge_tosca.tosca.task_module import Module


@pytest.fixture
def connection():
    with closing(in_memory(shop())) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        yield connection


def refusal(connection, deed):
    with pytest.raises(StoreError) as caught:
        deed(Store(Path("shop.tosca"), connection))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def answer(store):
    Model(store, store.state()).predict(np.ones((1, 16), np.float32), 3)


@pytest.mark.parametrize("value", ["7", "1.5", "''"])
def test_features_that_are_no_bytes(connection, value):
    connection.execute(f"UPDATE features SET data = {value}")
    refusal(connection, lambda store: [store.features(group) for group in store.state().groups])


def test_cosines_of_fewer_pictures_than_the_task_has(connection):
    connection.execute("DELETE FROM routers")
    cosines = save({"cosines": np.zeros((3, 2), np.float16)})
    connection.execute("UPDATE modules SET evidence = ?", (cosines,))
    refusal(connection, answer)


@pytest.mark.parametrize("report", ["[]", "7", '"text"', "{", "[" * 5000])
def test_a_report_that_is_no_object(connection, report):
    connection.execute("UPDATE generations SET report = ?", (report,))
    refusal(connection, Store.history)


def test_a_generation_that_comes_from_a_text(connection):
    connection.execute("UPDATE generations SET parent = 'x' WHERE number = 2")
    refusal(connection, lambda store: rollback(store, None))


def test_a_rollback_that_goes_back_to_itself_ends(connection):
    connection.execute("UPDATE generations SET command = 'rollback', parent = number")
    refusal(connection, lambda store: rollback(store, None))


def test_a_label_of_two_lines(connection):
    connection.execute("UPDATE lives SET label = 'a\nb'")
    refusal(connection, Store.state)


def test_sums_that_no_features_have(connection):
    sums = GramStatistics(np.full(3, 4), np.zeros((3, 16)), UpperHalf.of(-np.eye(16)))

    def solve(store):
        state = store.state()
        solve_router(store, state, NormalizedFeatures(store, state), sums)

    refusal(connection, solve)


def test_a_router_whose_inner_products_no_features_have(connection):
    ((generation, data),) = connection.execute("SELECT generation, data FROM routers").fetchall()
    kept = load(data)
    # Minus one between any two of the three groups: with three added to the diagonal that cannot be solved.
    kept["deviations"] = np.zeros_like(kept["deviations"])
    kept["deviations"][:, 0], kept["steps"][:] = 1, 1
    kept["weights"] = np.zeros_like(kept["weights"])
    kept["weights"][:-1, 0] = -1
    connection.execute("UPDATE routers SET data = ? WHERE generation = ?", (save(kept), generation))
    record(connection, "routers", save(kept))
    assert "its contents are invalid" in refusal(connection, answer)


def record(connection, kind, data):
    """Record the digest of a forged content, as its author could."""
    digest = hashlib.sha256(data).hexdigest()
    connection.execute("UPDATE digests SET digest = ? WHERE kind = ?", (digest, kind))


def spoilt_sums(connection, **arrays):
    """Put other arrays into the sums of the live generation."""
    ((data,),) = connection.execute("SELECT data FROM statistics").fetchall()
    kept = {name: array for name, array in (load(data) | arrays).items() if array is not None}
    connection.execute("UPDATE statistics SET data = ?", (save(kept),))
    record(connection, "statistics", save(kept))


@pytest.mark.parametrize(
    "arrays",
    [
        {"counts": np.array([63_050_394_783_186_944, 4, 4])},
        {"counts": np.array([4.0, 4.0, 4.0])},
        {"counts": np.array(4)},
        {"counts": None},
        {"steps": np.zeros((3, 15), np.int32)},
        {"triangle": np.zeros(135)},
        {"triangle": np.full(136, np.nan)},
    ],
    ids=lambda arrays: "-".join(
        f"{name}-{array if array is None else array.shape}" for name, array in arrays.items()
    ),
)
def test_sums_that_are_not_those_of_the_classes_are_summed_up_again(connection, arrays):
    whole = Store(Path("shop.tosca"), connection)
    spoilt = in_memory(shop())
    spoilt_sums(spoilt, **arrays)
    other = Store(Path("shop.tosca"), spoilt)
    for store in (whole, other):
        rename_class(store, "mug", "pot", merge=False)
    for name, array in whole.derived("routers").items():
        assert other.derived("routers")[name].tobytes() == array.tobytes()
    other.close()


def test_a_class_of_more_pictures_than_there_are_features_for(connection):
    connection.execute("UPDATE classes SET images = 1 << 50 WHERE id = 3")
    spoilt_sums(connection, counts=np.array([4, 4, 1 << 50]))
    refusal(connection, lambda store: rename_class(store, "mug", "pot", merge=False))


@pytest.mark.parametrize("images", ["x'00'", "'four'", "0", "1.5"])
def test_a_class_that_is_not_live_with_pictures_that_are_no_number(connection, images):
    rename_class(Store(Path("shop.tosca"), connection), "mug", "pot", merge=False)
    connection.execute("UPDATE lives SET born = 1, died = 2 WHERE class = 3")
    connection.execute(f"UPDATE classes SET images = {images} WHERE id = 3")
    refusal(connection, verify)
    refusal(connection, lambda store: store.groups_of_task(2))


def test_two_modules_without_a_digest_are_told_of(connection):
    for _ in range(2):
        connection.execute("INSERT INTO modules SELECT NULL, data, evidence FROM modules LIMIT 1")
    store = Store(Path("shop.tosca"), connection)
    assert any("no digest is recorded" in found for found in verify(store).discrepancies)


def test_a_chain_that_counts_as_far_as_there_are_numbers(connection):
    connection.execute("UPDATE seals SET number = 9223372036854775807 WHERE number = 3")
    refusal(connection, lambda store: rename_class(store, "mug", "pot", merge=False))


def test_a_module_without_rows_is_not_unfolded_to_its_width():
    data = save(
        {"prototypes": np.zeros((0, 1 << 30), np.float16)},
        metadata={"luca": '{"format":1,"flow":"tosca","scale":1}'},
    )
    with pytest.raises(StoreError):
        Module.from_bytes(data)


@pytest.mark.parametrize("rule", ["fused", "entropy"])
def test_a_module_of_more_classes_than_its_task_has(connection, rule):
    connection.execute("DELETE FROM lives WHERE class = (SELECT min(class) FROM lives)")
    connection.execute("DELETE FROM routers")
    connection.execute("UPDATE settings SET value = ? WHERE key = 'router'", (rule,))
    store = Store(Path("shop.tosca"), connection)
    if rule == "entropy":
        refusal(connection, answer)
    else:
        # One class alone has no use for its module.
        answer(store)


def test_a_class_that_names_a_task_that_is_not_there(connection):
    connection.execute("UPDATE classes SET task = 77 WHERE id = (SELECT min(class) FROM lives)")
    ((label,),) = connection.execute("SELECT label FROM lives ORDER BY class LIMIT 1").fetchall()
    refusal(connection, lambda store: make_note(store, label, {}))


@pytest.mark.parametrize("read", [Store.audit_entries, Store.identity])
def test_an_audit_log_that_cannot_be_read(connection, read):
    connection.execute("ALTER TABLE seals RENAME COLUMN digest TO other")
    refusal(connection, read)
