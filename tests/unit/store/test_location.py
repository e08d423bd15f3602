"""A store has one set of files beside it, under whatever name it is opened, and nobody else can read them."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from edge_tosca.errors import StoreError
from edge_tosca.store.encryption import encrypt
from edge_tosca.store.location import files_of, log_of, thumbnails_of
from edge_tosca.store.maintenance import stats
from edge_tosca.store.store import Store
from edge_tosca.store.thumbnail_owner import owner_of
from edge_tosca.store.thumbnails import Thumbnails, follow_store


def mode(path):
    return path.stat().st_mode & 0o777


@pytest.fixture
def shop(tmp_path, plain):
    """A store, and a link to it in another folder."""
    (tmp_path / "data").mkdir()
    (tmp_path / "srv").mkdir()
    Store.create(tmp_path / "data" / "s", plain).close()
    (tmp_path / "srv" / "box").symlink_to("../data/s")
    return tmp_path / "data" / "s", tmp_path / "srv" / "box"


def pictures(kept):
    """Count the pictures in a file of thumbnails."""
    return kept._connection.execute("SELECT count(*) FROM pictures").fetchone()[0]


@pytest.fixture
def any_umask():
    """Set the umask for one test."""
    before = os.umask(0)
    os.umask(before)
    yield os.umask
    os.umask(before)


def test_all_files_of_a_store_are_found_through_links_to_links(shop, tmp_path, monkeypatch):
    real, link = shop
    (tmp_path / "again").symlink_to(link)
    monkeypatch.chdir(tmp_path / "srv")
    for name in (real, link, tmp_path / "again", Path("box")):
        assert log_of(name) == Path(f"{real}-wal")
        with closing(Thumbnails(name)) as kept:
            kept.turn_on()
            assert kept.path == real.with_name("s.pictures")
            kept.turn_off()
        with closing(Store.open(name)) as store:
            with store.transaction():
                store.set_setting("refused", "0.1")
            assert stats(store).log == log_of(real).stat().st_size > 0
            assert set(files_of(name)) == {real, log_of(real), Path(f"{real}-shm")}


@pytest.mark.parametrize(("kept_by", "changed_as"), [(0, 1), (1, 0), (1, 1)])
def test_pictures_are_erased_under_every_name_of_the_store(shop, kept_by, changed_as, monkeypatch):
    pytest.importorskip("cryptography")
    with closing(Thumbnails(shop[kept_by])) as kept:
        kept.turn_on()
        with closing(Store.open(shop[kept_by])) as store:
            kept.follow(owner_of(store))
        monkeypatch.setenv("EDGE_TOSCA_KEY", "5a" * 32)
        kept._connection.execute("INSERT INTO pictures VALUES ('a', 1, 'then', 0, x'ffd8')")
        encrypt(shop[changed_as])
        assert pictures(kept) == 0


def test_pictures_that_an_earlier_version_kept_beside_the_link_are_moved_to_the_store(shop):
    real, link = shop
    with closing(Thumbnails(real)) as kept:
        kept.turn_on()
        kept._connection.execute("INSERT INTO pictures VALUES ('a', 1, 'then', 0, x'ffd8')")
    thumbnails_of(real).rename(link.with_name("box.pictures"))
    # What follows the store by the link's name finds them too.
    with closing(Store.open(link)) as store:
        follow_store(store)
    assert not link.with_name("box.pictures").exists()
    with closing(Thumbnails(real)) as kept:
        assert kept.on and pictures(kept) == 1


def test_two_files_of_kept_pictures_are_refused_with_both_names(shop):
    real, link = shop
    thumbnails_of(real).touch()
    link.with_name("box.pictures").touch()
    with pytest.raises(StoreError, match=r"box\.pictures holds kept pictures too") as caught:
        Thumbnails(link)
    assert str(thumbnails_of(real)) in str(caught.value)


def test_a_new_store_is_made_where_a_link_leads(tmp_path, plain):
    (tmp_path / "data").mkdir()
    (tmp_path / "box").symlink_to("data/s")
    with closing(Store.create(tmp_path / "box", plain)):
        assert mode(tmp_path / "data" / "s") == 0o600
        assert not (tmp_path / "box-wal").exists()


def test_a_store_with_hard_links_is_refused_under_each_of_its_names(shop, plain):
    real, link = shop
    other = link.with_name("other")
    other.hardlink_to(real)
    for name in (real, other, link):
        with pytest.raises(StoreError, match=r"has 2 names \(hard links\).*find DIR -samefile"):
            Store.open(name)
        with pytest.raises(StoreError, match="hard links"):
            Store.create(name, plain)
    other.unlink()
    Store.open(real).close()


def test_a_hard_link_to_nothing_yet_is_refused_before_a_store_is_made_in_it(tmp_path, plain):
    (tmp_path / "a").touch()
    (tmp_path / "b").hardlink_to(tmp_path / "a")
    with pytest.raises(StoreError, match="hard links"):
        Store.create(tmp_path / "a", plain)
    assert (tmp_path / "a").stat().st_size == 0


OPEN = """
import sys
from pathlib import Path
from edge_tosca.store.store import Store
Store.open(Path(sys.argv[1])).close()
"""


@pytest.mark.parametrize("readable", ["rw", "ro"])
def test_a_store_that_is_mounted_without_its_folder_is_refused(shop, in_own_mounts, readable):
    real, link = shop
    alone = link.with_name("alone")
    alone.touch()
    script = f'mount --bind "$0" "{alone}"; mount -o remount,bind,{readable} "{alone}"'
    ran = subprocess.run(
        [*in_own_mounts(script, real), sys.executable, "-c", OPEN, str(alone)], capture_output=True, text=True
    )
    assert "alone is mounted as a single file" in ran.stderr, ran.stderr
    # The mounted folder has the log in it.
    folder = link.parent
    script = f'mount --bind "$0" "{folder}"'
    words = in_own_mounts(script, real.parent)
    subprocess.run([*words, sys.executable, "-c", OPEN, str(folder / "s")], check=True)


@pytest.mark.parametrize("umask", [0, 0o022, 0o077])
@pytest.mark.parametrize(("group", "expected"), [(False, 0o600), (True, 0o660)])
def test_a_store_and_its_files_are_private_or_the_groups_whatever_the_umask(
    tmp_path, plain, any_umask, umask, group, expected
):
    any_umask(umask)
    path = tmp_path / "s"
    path.touch()
    with closing(Store.create(path, plain, group_access=group)), closing(Thumbnails(path)) as kept:
        kept.turn_on()
        assert [mode(file) for file in files_of(path)] == [expected] * 4
    with closing(Store.open(path)) as store:
        with store.transaction():
            store.set_setting("refused", "0.1")
        assert [mode(file) for file in files_of(path)] == [expected] * 4


def test_a_store_of_before_goes_on_as_it_was_and_its_pictures_stay_private(tmp_path, plain):
    path = tmp_path / "s"
    Store.create(path, plain).close()
    path.chmod(0o644)
    with closing(Store.open(path)), closing(Thumbnails(path)) as kept:
        kept.turn_on()
        assert mode(path) == 0o644
        assert mode(thumbnails_of(path)) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of other users")
def test_pictures_that_root_keeps_belong_to_the_user_of_the_store(tmp_path, plain):
    path = tmp_path / "s"
    Store.create(path, plain).close()
    os.chown(path, 4321, 4322)
    with closing(Thumbnails(path)) as kept:
        kept.turn_on()
    status = thumbnails_of(path).stat()
    assert (status.st_uid, status.st_gid) == (4321, 4322)
