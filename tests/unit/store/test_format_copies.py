"""The copies that are kept before a format is upgraded, and what `init` leaves without room."""

import resource
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.store.contents import labels

from edge_tosca.learner.forget import forget_class
from edge_tosca.learner.history import rename_class
from edge_tosca.learner.restore import restore
from edge_tosca.store.copies import known_copies
from edge_tosca.store.encryption import encrypt
from edge_tosca.store.format_upgrade import MAX_COPIES
from edge_tosca.store.store import Store

FORMAT_1 = Path(__file__).parents[2] / "data" / "store_format_1.tosca"


@pytest.fixture
def old(tmp_path):
    path = tmp_path / "old.tosca"
    shutil.copy(FORMAT_1, path)
    path.chmod(0o644)
    return path


def test_a_copy_is_kept_before_a_format_is_upgraded(old):
    store = Store.open(old)
    rename_class(store, "tile", "brick", merge=False)
    store.close()
    (copy,) = known_copies(old)
    assert copy.name.startswith("old.tosca.format-1-")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    restored = restore(copy, old, force=True)
    assert labels(old) == {"apple", "tile", "door"}
    reopened = Store.open(old)
    assert reopened.query("PRAGMA user_version") == [(1,)]
    reopened.close()
    assert "brick" in labels(restored.kept)


def test_at_most_three_are_kept_and_none_of_a_change_that_does_not_happen(old):
    for _ in range(MAX_COPIES + 1):
        shutil.copy(FORMAT_1, old)
        store = Store.open(old)
        with pytest.raises(RuntimeError), store.transaction():
            raise RuntimeError
        rename_class(store, "tile", "brick", merge=False)
        store.close()
    assert len(known_copies(old)) == MAX_COPIES


def test_no_copy_is_kept_before_a_class_is_erased_or_a_store_encrypted(old, tmp_path):
    store = Store.open(old)
    forget_class(store, "tile")
    store.close()
    assert known_copies(old) == []
    shutil.copy(FORMAT_1, old)
    (tmp_path / "key").write_text("5a" * 32)
    (tmp_path / "key").chmod(0o600)
    encrypt(old, tmp_path / "key")
    assert known_copies(old) == []


def limited(most):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


def test_init_without_room_leaves_no_file(tmp_path):
    command = [sys.executable, "-B", "-m", "edge_tosca", "init", str(tmp_path / "shop.tosca")]
    for most in (0, 1000, 40_000):
        ran = subprocess.run(command, capture_output=True, text=True, preexec_fn=limited(most))
        assert ran.returncode == 1, most
        assert len(ran.stderr.splitlines()) == 1
        assert list(tmp_path.iterdir()) == [], most


def test_init_on_a_full_disk_leaves_no_file(tmp_path):
    script = (
        f"mount -t tmpfs -o size=16k none {tmp_path} && "
        f"dd if=/dev/zero of={tmp_path}/full bs=4k 2>/dev/null; "
        f"mountpoint -q {tmp_path} || exit 77; {sys.executable} -m edge_tosca init {tmp_path}/shop.tosca; "
        f"code=$?; ls {tmp_path}; exit $code"
    )
    ran = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True)
    if "unshare" in ran.stderr or ran.returncode == 77:
        pytest.skip("no file system may be mounted here")
    assert "the disk is full" in ran.stderr
    assert ran.stdout.split() == ["full"]
