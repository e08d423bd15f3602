"""Backups: whole, verified, and for their owner only."""

import os
import resource
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tests.unit.store.contents import labels, names

from edge_tosca.errors import StoreError
from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.restore import restore
from edge_tosca.store.backup import backup
from edge_tosca.store.store import Store


def test_a_copy_that_is_made_while_the_store_is_written_is_of_one_moment(shop, tmp_path):
    with shop.transaction():
        shop.set_setting("max_bytes", "123456789")
        copied = backup(shop.path, tmp_path / "copy.tosca")
    copy = Store.open(tmp_path / "copy.tosca")
    assert "max_bytes" not in copy.settings
    copy.close()
    assert labels(tmp_path / "copy.tosca") == {"mug", "pen"}
    assert copied.generation == shop.latest()
    assert copied.head != shop.audit_log.all()[-1].digest


def test_a_copy_is_for_its_owner_only_whatever_the_umask(shop, tmp_path):
    before = os.umask(0)
    try:
        backup(shop.path, tmp_path / "copy.tosca")
    finally:
        os.umask(before)
    for name in ("copy.tosca", "shop.tosca.copies"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_nothing_is_overwritten_without_force(shop, tmp_path):
    copy = tmp_path / "copy.tosca"
    copy.write_text("a letter")
    with pytest.raises(StoreError, match=r"copy.tosca exists already; .*--force"):
        backup(shop.path, copy)
    assert copy.read_text() == "a letter"
    backup(shop.path, copy, force=True)
    assert labels(copy) == {"mug", "pen"}


@pytest.mark.parametrize("target", ["shop.tosca", "link.tosca", "no/copy.tosca", "."])
def test_a_copy_that_cannot_be_is_refused_in_one_line(shop, tmp_path, target):
    (tmp_path / "link.tosca").symlink_to("shop.tosca")
    with pytest.raises(StoreError) as caught:
        backup(shop.path, tmp_path / target, force=True)
    assert "\n" not in str(caught.value)
    assert labels(shop.path) == {"mug", "pen"}


def test_a_store_that_was_changed_by_another_program_is_not_copied(shop, tmp_path):
    with sqlite3.connect(shop.path) as connection:
        connection.execute("UPDATE features SET data = zeroblob(length(data)) WHERE id = 1")
    connection.close()
    before = names(tmp_path)
    with pytest.raises(StoreError, match=r"shop.tosca was changed outside edge-tosca, and no copy"):
        backup(shop.path, tmp_path / "copy.tosca")
    assert names(tmp_path) == before


def test_a_full_disk_leaves_nothing(shop, tmp_path):
    before = names(tmp_path)
    shop.checkpoint(wait=True)
    command = [
        sys.executable,
        "-B",
        "-m",
        "edge_tosca",
        "store",
        "backup",
        str(shop.path),
        str(tmp_path / "copy"),
    ]
    most = shop.path.stat().st_size // 2
    ran = subprocess.run(
        command,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )
    assert ran.returncode == 1
    assert len(ran.stderr.splitlines()) == 1
    assert str(tmp_path / "copy") in ran.stderr
    assert names(tmp_path) == before


def test_features_are_the_same_to_the_last_bit(shop, tmp_path):
    backup(shop.path, tmp_path / "copy.tosca")
    copy = Store.open(tmp_path / "copy.tosca")
    for one, other in zip(shop.state().groups, copy.state().groups, strict=True):
        assert np.array_equal(shop.features(one), copy.features(other))
    copy.close()


def test_a_copy_that_cannot_be_noted_is_made_all_the_same(shop, tmp_path):
    Path(f"{shop.path}.copies").mkdir()
    assert not backup(shop.path, tmp_path / "copy.tosca").noted
    assert labels(tmp_path / "copy.tosca") == {"mug", "pen"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_what_root_makes_belongs_to_the_user_of_the_store(shop, tmp_path):
    (tmp_path / "backups").mkdir()
    for path in (shop.path, tmp_path / "backups"):
        os.chown(path, 12345, 12345)
    backup(shop.path, tmp_path / "backups" / "copy.tosca")
    forget_class(shop, "mug")
    shop.close()
    restore(tmp_path / "backups" / "copy.tosca", shop.path, force=True)
    for name in ("shop.tosca", "shop.tosca.copies", "shop.tosca.forgotten", "backups/copy.tosca"):
        assert (tmp_path / name).stat().st_uid == 12345, name
