import hashlib
import json
import os
import sqlite3

import numpy as np
import pytest
from PIL import Image
from tests.torture.verbs import create, features, few, many, teach

from edge_tosca import Learner
from edge_tosca.digests import pictures_digest
from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.history import rename_class, rollback
from edge_tosca.learner.verification import verify
from edge_tosca.packs.trust import trust
from edge_tosca.store.store import Store


@pytest.fixture(scope="module", params=[few, many], ids=["features alone", "sums besides"])
def lived(request, tmp_path_factory):
    """A store that went through everything that changes one; its file and its head."""
    path = tmp_path_factory.mktemp("lived") / "shop.tosca"
    request.param(path)
    store = Store.open(path)
    rename_class(store, "apple", "pear", merge=False)
    teach(store, "new", {"wheel": 6, "bell": 4})
    forget_class(store, "cone")
    rollback(store, None)
    trust(store, "ab" * 32)
    head = verify(store).head
    store.close()
    return path.read_bytes(), head


@pytest.fixture
def shop(lived, tmp_path):
    path = tmp_path / "shop.tosca"
    path.write_bytes(lived[0])
    opened = Store.open(path)
    yield opened
    opened.close()


def by_another_program(store, *changes):
    """Change a store's file with another program."""
    connection = sqlite3.connect(store.path)
    for change in changes:
        assert connection.execute(change).rowcount
    connection.commit()
    connection.close()


def found(store, **options):
    return verify(store, **options).discrepancies


# Nothing is found where nothing was done


def test_what_every_verb_leaves_is_as_it_was_left_and_gives_its_router(shop):
    audit = verify(shop)
    assert audit.discrepancies == ()
    assert audit.solved
    # The file's making, its generations, and a key that was trusted.
    assert audit.seals == audit.generations + 2


def test_an_empty_store_is_as_init_left_it(tmp_path):
    store = create(tmp_path / "shop.tosca")
    assert found(store) == ()
    assert [entry.content["command"] for entry in store.audit_log.all()] == ["init"]
    store.close()


def test_verifying_leaves_the_file_as_it_is(shop):
    before = shop.path.read_bytes()
    verify(shop)
    assert shop.path.read_bytes() == before


# What was changed is found and named


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("UPDATE settings SET value = '0.5' WHERE key = 'refused'", "table settings"),
        (f"UPDATE settings SET key = 'trusted key {'cd' * 32}' WHERE key LIKE 'trusted%'", "table settings"),
        ("UPDATE lives SET label = 'peer' WHERE label = 'pear'", "table lives"),
        ("DELETE FROM lives WHERE label = 'door'", "table lives"),
        ("UPDATE tasks SET name = 'other' WHERE id = 1", "table tasks"),
        ("UPDATE classes SET position = 1 - position WHERE task = 1", "table classes"),
        ("UPDATE generations SET command = 'rename' WHERE number = 1", "table generations"),
        ("UPDATE generations SET made_at = '2001-01-01' WHERE number = 2", "table generations"),
        ("UPDATE generations SET report = '{\"gate\": null}' WHERE number = 1", "report of generation 1"),
        ("UPDATE features SET data = (SELECT data FROM features WHERE id = 2) WHERE id = 1", "class 'pear'"),
        ("DELETE FROM digests WHERE kind = 'features' AND key = 1", "class 'pear' in task 'first'"),
        ("UPDATE modules SET data = zeroblob(9) WHERE rowid = 1", "its bytes do not match its digest"),
        ("UPDATE modules SET evidence = zeroblob(9) WHERE rowid = 1", "held-out answers of module"),
        ("UPDATE routers SET data = zeroblob(9)", "router: differs from its recorded digest"),
        ("DELETE FROM routers", "router: missing"),
        ("UPDATE digests SET digest = '' WHERE kind = 'pictures'", "table digests"),
        (
            'UPDATE seals SET entry = replace(entry, \'"user":"\', \'"user":"x\') WHERE number = 2',
            "audit entry 2 was changed",
        ),
        ("DELETE FROM seals WHERE number = 3", "audit entry 3 does not follow"),
        (
            "UPDATE seals SET generation = NULL WHERE number = 2",
            "audit entry 2 was changed after it was written",
        ),
        ("UPDATE seals SET entry = '[]' WHERE number = 2", "audit entry 2 cannot be read"),
    ],
)
def test_a_change_behind_its_back_is_named(shop, change, named):
    by_another_program(shop, change)
    assert any(named in discrepancy for discrepancy in found(shop))


def test_one_changed_feature_and_its_digest_are_found_by_the_seal(shop):
    ((data,),) = shop.query("SELECT data FROM features WHERE id = 1")
    other = data[:-1] + bytes([data[-1] ^ 1])
    connection = sqlite3.connect(shop.path)
    connection.execute("UPDATE features SET data = ? WHERE id = 1", (other,))
    digest = hashlib.sha256(other).hexdigest()
    connection.execute("UPDATE digests SET digest = ? WHERE kind = 'features' AND key = 1", (digest,))
    connection.commit()
    connection.close()
    assert found(shop) == (f"table digests is not as audit entry {len(shop.audit_log.all())} left it",)


def test_a_lawful_change_does_not_wash_one_behind_its_back(shop):
    by_another_program(shop, "UPDATE lives SET label = 'peer' WHERE label = 'pear'")
    at = len(shop.audit_log.all())
    rename_class(shop, "peer", "pear", merge=False)
    assert found(shop) == (
        f"between audit entry {at} and audit entry {at + 1} another program changed the file",
    )


def test_a_router_sealed_though_the_features_give_another_is_found(shop):
    kept = shop.derived("routers")
    with shop.transaction():
        shop.set_derived("routers", shop.latest(), {**kept, "bias": kept["bias"] + 1})
    assert found(shop, solve=False) == ()
    assert found(shop) == ("the stored router is not the one that the cached features give",)


def test_sums_sealed_though_the_features_give_others_are_found(tmp_path):
    many(tmp_path / "shop.tosca")
    shop = Store.open(tmp_path / "shop.tosca")
    kept = shop.derived("statistics")
    kept["triangle"] = kept["triangle"] + 2.0**-30
    with shop.transaction():
        shop.set_derived("statistics", shop.latest(), kept)
    assert "sums" in " ".join(found(shop))
    shop.close()


def test_a_head_noted_down_is_in_the_chain_until_the_chain_is_made_anew(shop, lived):
    head = lived[1]
    teach(shop, "later", {"zebra": 4})
    assert found(shop, known=head[:16]) == ()
    by_another_program(shop, f"UPDATE seals SET digest = '{'0' * 64}' WHERE digest = '{head}'")
    assert f"no audit entry has the digest {head}: the chain was cut off or replaced" in found(
        shop, known=head
    )


# What is lawfully erased


def test_no_digest_of_an_erased_feature_or_picture_stays_in_the_file(shop):
    gone = [
        digest.encode()
        for kind, key, digest in shop.audit_log.digests()
        if kind in ("features", "pictures")
        for group in shop.state().groups
        if group.label == "door" and group.features == key
    ]
    assert len(gone) == 2
    forget_class(shop, "door")
    shop.close()
    content = shop.path.read_bytes()
    assert not any(digest in content for digest in gone)


def test_the_digest_of_a_module_that_knew_an_erased_class_stays_in_no_file(shop):
    (module,) = (task.module for task in shop.state().tasks if "door" in [g.label for g in task.groups])
    forget_class(shop, "door")
    shop.close()
    assert module.encode() not in shop.path.read_bytes()


def test_pictures_of_a_renamed_class_are_forgotten_under_all_its_names(shop):
    forget_class(shop, "pear")
    assert all(entry.report.get("module") is None for entry in shop.history()[:1])
    assert not any("jpg" in str(entry.report) for entry in shop.history()[:1])


def test_an_erasure_is_in_the_chain_and_breaks_none_of_it(shop):
    before = verify(shop)
    forget_class(shop, "door")
    after = verify(shop, before.head)
    assert (after.discrepancies, after.seals) == ((), before.seals + 1)
    last = shop.history()[-1]
    assert (last.command, last.report["classes"]) == ("forget", ["door"])


def test_equal_lessons_in_two_stores_are_sealed_apart_by_their_salts(tmp_path):
    left = []
    for name in ("one", "two"):
        store = create(tmp_path / f"{name}.tosca")
        teach(store, "task", {"apple": 4})
        left.append(store.audit_log.all()[-1].content["left"])
        store.close()
    for table in ("digests", "modules", "tasks"):
        assert left[0][table] != left[1][table]
    assert left[0]["classes"] == left[1]["classes"]


# What history tells


def test_history_tells_who_when_where_and_with_what(shop):
    by = shop.history()[0].by
    import pwd

    assert by["user"] == pwd.getpwuid(os.getuid()).pw_name
    assert by["host"] == os.uname().nodename
    assert by["versions"]["edge-tosca"]
    assert by["versions"]["numpy"] == np.__version__
    assert by["origin"] == "torture"
    times = [entry.by["since_boot"] for entry in shop.history()]
    assert times == sorted(times)
    assert len({entry.by["boot"] for entry in shop.history()}) == 1


def test_history_tells_the_pictures_of_each_lesson_until_they_are_forgotten(shop):
    lesson = shop.history()[1]
    assert [taught.label for taught in lesson.taught] == ["door"]
    shots = lesson.taught[0].images
    rows = features("door", shots).astype(np.float16)
    digests = [hashlib.sha256(row.tobytes()).hexdigest() for row in rows]
    assert lesson.taught[0].digest == pictures_digest(digests)


def test_a_lessons_digest_can_be_computed_from_its_files_in_any_order(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8)).save(path)
    learner = Learner.create(tmp_path / "shop.tosca")
    learner.learn({"noise": paths}, force=True)
    entry = learner.history()[0]
    files = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in reversed(paths))
    assert entry.taught[0].digest == hashlib.sha256("".join(files).encode()).hexdigest()
    assert entry.by["versions"]["onnxruntime"]
    assert entry.by["backbone"] == learner.vision.bundle.digest
    learner.close()


def test_what_is_sealed_names_no_picture(shop):
    assert not any(".jpg" in entry.text for entry in shop.audit_log.all())
    assert all(json.loads(entry.text) for entry in shop.audit_log.all())
