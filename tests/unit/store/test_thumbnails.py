import sqlite3
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import pytest

from edge_tosca.errors import StoreError
from edge_tosca.learner.learner import Learner
from edge_tosca.store.crypto.row_cipher import RowCipher
from edge_tosca.store.encryption import decrypt, encrypt, rekey
from edge_tosca.store.state import Task, TaskClass
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnail_owner import Owner, owner_of
from edge_tosca.store.thumbnails import MAX_IMAGES, MAX_IMAGES_PER_CLASS, Thumbnails
from edge_tosca.vision.feature_extractor import FeatureExtractor


@dataclass(frozen=True)
class Seen:
    """A picture, as far as its keeping goes."""

    jpeg: bytes
    sharpness: float


@pytest.fixture
def seen():
    """Make a picture of a thing: as large as a small one is, and unlike any other."""

    def make(thing=0, sharpness=0.5):
        return Seen(np.random.default_rng(thing).bytes(9000), sharpness)

    return make


def task(number, *groups, learned_at="2026-01-01"):
    return Task(number, f"task {number}", learned_at, "digest", groups)


LEARNED_AT = "2026-01-01"
SHOP = Owner("shop")


def erased(*rows, learned_at=LEARNED_AT, identity="shop"):
    return Owner(identity, erased=frozenset((row, learned_at) for row in rows))


def of(pictures, row, most=9, identity="shop"):
    return pictures.of([(row, LEARNED_AT)], most, identity)


MUG, CUP = TaskClass(1, "mug", 3, 1), TaskClass(2, "cup", 3, 2)


@pytest.fixture
def kept(tmp_path):
    pictures = Thumbnails(tmp_path / "shop.tosca")
    yield pictures
    pictures.close()


def test_nothing_is_written_until_it_is_turned_on(kept, seen):
    kept.keep(task(1, MUG), {"mug": [seen(1)]}, SHOP)
    assert not kept.path.exists()
    assert of(kept, 1, 9) == []


def test_the_file_is_the_owners_alone_and_the_setting_outlives_a_restart(kept, seen):
    kept.turn_on()
    assert kept.path.stat().st_mode & 0o777 == 0o600
    kept.keep(task(1, MUG), {"mug": [seen(1)]}, SHOP)
    kept.close()
    again = Thumbnails(kept.path.with_name("shop.tosca"))
    (key,) = of(again, 1)
    assert again.picture(key) == seen(1).jpeg
    again.turn_off()
    assert not kept.path.exists()
    assert again.picture(key) is None


def test_what_the_store_forgot_is_erased_and_leaves_no_trace_in_the_file(kept, seen):
    kept.turn_on()
    kept.keep(task(1, MUG, CUP), {"mug": [seen(1)], "cup": [seen(90)]}, SHOP)
    assert kept.follow(SHOP) == 0
    # A row of the same number in a copy of the store is another class.
    assert kept.follow(erased(1, learned_at="2027-01-01")) == 0
    assert kept.follow(erased(1)) == 1
    assert (of(kept, 1, 9), len(of(kept, 2, 9))) == ([], 1)
    assert seen(1).jpeg not in kept.path.read_bytes()


def test_a_file_of_another_store_is_neither_shown_nor_erased_nor_added_to(kept, seen):
    kept.turn_on()
    kept.keep(task(1, MUG), {"mug": [seen(1)]}, SHOP)
    (key,) = of(kept, 1)
    cipher = RowCipher(kept.path, b"k" * 32)
    for other in (Owner("another"), Owner(""), erased(1, identity="another"), Owner("another", cipher)):
        assert kept.follow(other) == 0
        assert (of(kept, 1, identity=other.identity), kept.picture(key)) == ([], None)
        with pytest.raises(StoreError, match=r"shop.tosca.pictures has the pictures of another store"):
            kept.keep(task(1, MUG), {"mug": [seen(2)]}, other)
    assert kept.follow(SHOP) == 0
    assert kept.picture(key) == seen(1).jpeg
    assert kept.follow(erased(1)) == 1


def test_a_file_of_an_earlier_version_goes_to_the_store_whose_classes_it_has(kept, seen):
    kept.turn_on()
    kept.keep(task(1, MUG), {"mug": [seen(1)]}, SHOP)
    with closing(sqlite3.connect(kept.path)) as connection, connection:
        connection.execute("DELETE FROM owner")
    kept.follow(Owner("another", taught=frozenset({(1, "2027-01-01")})))
    assert of(kept, 1, identity="another") == []
    kept.follow(Owner("shop", taught=frozenset({(1, LEARNED_AT)})))
    assert len(of(kept, 1)) == 1


def test_it_keeps_the_sharpest_of_a_class_and_no_more_than_so_many_in_all(kept, seen):
    kept.turn_on()
    kept.keep(
        task(1, MUG), {"mug": [seen(n, sharpness=n / 1000) for n in range(2 * MAX_IMAGES_PER_CLASS)]}, SHOP
    )
    keys = of(kept, 1, 1000)
    assert len(keys) == MAX_IMAGES_PER_CLASS
    assert kept.picture(keys[0]) == seen(2 * MAX_IMAGES_PER_CLASS - 1).jpeg
    for number in range(MAX_IMAGES // MAX_IMAGES_PER_CLASS + 3):
        group = TaskClass(number, "mug", 3, number)
        kept.keep(task(number, group), {"mug": [seen(1)] * MAX_IMAGES_PER_CLASS}, SHOP)
    with sqlite3.connect(kept.path) as connection:
        assert connection.execute("SELECT count(*) FROM pictures").fetchone() == (MAX_IMAGES,)


def test_pictures_of_an_encrypted_store_are_encrypted_and_plain_ones_go(kept, seen):
    cipher = RowCipher(kept.path, b"k" * 32)
    kept.turn_on()
    kept.keep(task(1, MUG), {"mug": [seen(1)]}, SHOP)
    assert kept.follow(Owner("shop", cipher)) == 1
    kept.keep(task(1, MUG), {"mug": [seen(1)]}, Owner("shop", cipher))
    (key,) = of(kept, 1, 9)
    assert kept.picture(key) == seen(1).jpeg
    assert seen(1).jpeg not in kept.path.read_bytes()
    kept.follow(Owner("shop", RowCipher(kept.path, b"l" * 32)))
    assert kept.picture(key) is None


def test_a_damaged_file_is_told_of_and_can_be_turned_off(tmp_path):
    path = tmp_path / "shop.tosca.pictures"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match="pictures cannot be kept or erased"):
        Thumbnails(tmp_path / "shop.tosca")


@pytest.fixture
def shop(tmp_path, plain, seen):
    """A learner of three classes whose pictures were kept; nobody has the file of pictures open."""
    learner = Learner(Store.create(tmp_path / "shop.tosca", plain), FeatureExtractor())
    rng = np.random.default_rng(0)
    labels = ("mug", "cup", "jar")
    learner.learn_features(
        {label: rng.normal(size=32) + 0.3 * rng.normal(size=(6, 32)) for label in labels}, force=True
    )
    with closing(Thumbnails(learner.store.path)) as pictures:
        pictures.turn_on()
        taught = {label: [seen(at)] for at, label in enumerate(labels)}
        pictures.keep(learner.store.tasks_ever()[0], taught, owner_of(learner.store))
    yield learner
    learner.close()


def kept_of(shop):
    """Labels of which pictures are kept."""
    identity = shop.store.audit_log.identity()
    with closing(Thumbnails(shop.store.path)) as pictures:
        return {
            group.label
            for task in shop.state.tasks
            for group in task.groups
            if pictures.of([(group.id, task.learned_at)], 9, identity)
        }


def count(store):
    """Pictures in the file, read past the program."""
    with closing(sqlite3.connect(f"{store}.pictures")) as connection:
        return connection.execute("SELECT count(*) FROM pictures").fetchone()[0]


def bytes_of(shop):
    return shop.store.path.with_name("shop.tosca.pictures").read_bytes()


def test_forgetting_a_class_erases_its_kept_pictures_without_any_server(shop, seen):
    pieces = [seen(0).jpeg[at : at + 64] for at in range(0, 8000, 64)]
    # Pages tear some.
    assert sum(piece in bytes_of(shop) for piece in pieces) > 100
    shop.forget("mug")
    assert kept_of(shop) == {"cup", "jar"}
    assert not any(piece in bytes_of(shop) for piece in pieces)


def test_pictures_of_a_class_with_another_name_stay_until_that_one_is_forgotten(shop):
    shop.rename("mug", "beaker")
    shop.rename("jar", "cup", merge=True)
    shop.forget("beaker")
    assert kept_of(shop) == {"cup"}
    shop.forget("cup")
    assert count(shop.store.path) == 0


def test_encrypting_decrypting_and_a_fresh_key_leave_no_picture_that_is_not_under_it(shop, seen, tmp_path):
    path, one, other = shop.store.path, tmp_path / "one", tmp_path / "other"
    for key in (one, other):
        key.write_text(f"{key.name}: a passphrase of several words")
        key.chmod(0o600)
    shop.close()
    assert count(path) == 3
    encrypt(path, one)
    assert count(path) == 0
    assert seen(0).jpeg[:64] not in bytes_of(shop)
    with closing(Store.open(path, one)) as store, closing(Thumbnails(path)) as pictures:
        pictures.keep(store.tasks_ever()[0], {"mug": [seen(0)]}, owner_of(store))
    rekey(path, other, one)
    assert count(path) == 1
    rekey(path, one, other, fresh=True)
    assert count(path) == 0
    with closing(Store.open(path, one)) as store, closing(Thumbnails(path)) as pictures:
        pictures.keep(store.tasks_ever()[0], {"mug": [seen(0)]}, owner_of(store))
    decrypt(path, one)
    assert count(path) == 0


def test_a_store_without_kept_pictures_gets_no_file_and_a_folder_of_that_name_is_left_alone(shop, tmp_path):
    beside = tmp_path / "shop.tosca.pictures"
    beside.unlink()
    shop.forget("mug")
    assert not beside.exists()
    beside.mkdir()
    shop.forget("cup")
    assert list(beside.iterdir()) == []


def test_pictures_that_cannot_be_erased_are_told_of_and_the_class_is_forgotten(shop, tmp_path):
    (tmp_path / "shop.tosca.pictures").write_bytes(b"no database" * 100)
    with pytest.raises(StoreError, match=r"the change is made, but .*tosca.pictures: .*delete this file"):
        shop.forget("mug")
    assert shop.state.labels == ("cup", "jar")
