"""A log that is torn, lost or another one's: a store is whole at a generation, or says that it is not."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.torture.verbs import few, locked, reopen, snapshot, teach

from edge_tosca.errors import EdgeToscaError
from edge_tosca.learner.verification import verify

_HEADER, _FRAME_HEADER = 32, 24


@pytest.fixture(params=["plain", "encrypted"])
def interrupted(request, tmp_path):
    """A store whose last two lessons are in its log alone, as a process that was killed leaves it."""
    path = tmp_path / "made" / "shop.tosca"
    path.parent.mkdir()
    (locked(few) if request.param == "encrypted" else few)(path)
    before = snapshot(path)
    store = reopen(path)
    # Nothing reads or closes it between, so that nothing is written back.
    teach(store, "third", {"zebra": 6})
    teach(store, "fourth", {"wheel": 5})
    folder = shutil.copytree(path.parent, tmp_path / "left")
    middle = store.latest() - 1
    store.close()
    left = folder / "shop.tosca"
    assert Path(f"{left}-wal").stat().st_size > 0
    Path(f"{left}-shm").unlink(missing_ok=True)
    return left, before, middle


def copied(left, tmp_path, name):
    return shutil.copytree(left.parent, tmp_path / name) / "shop.tosca"


def frames(log):
    data = Path(log).read_bytes()
    page = int.from_bytes(data[8:12], "big")
    return len(data), list(range(_HEADER, len(data), page + _FRAME_HEADER)), page


def test_a_lost_log_takes_back_what_was_in_it_alone(interrupted, tmp_path):
    left, before, _ = interrupted
    Path(f"{left}-wal").unlink()
    assert snapshot(left) == before


def test_a_log_torn_at_any_frame_leaves_a_whole_generation(interrupted, tmp_path):
    left, before, middle = interrupted
    whole = snapshot(copied(left, tmp_path, "whole"))
    size, starts, page = frames(f"{left}-wal")
    seen = set()
    for start in [*starts[:: max(len(starts) // 6, 1)], starts[-1]]:
        for cut in (start, start + _FRAME_HEADER // 2, start + _FRAME_HEADER + page // 2):
            store = copied(left, tmp_path, f"cut{cut}")
            with Path(f"{store}-wal").open("r+b") as log:
                log.truncate(min(cut, size))
            found = snapshot(store)
            assert found in (before, whole) or found[0] == whole[0][:middle]
            seen.add(len(found[0]))
            shutil.rmtree(store.parent)
    assert {len(before[0]), middle} <= seen


def test_a_log_with_a_torn_page_anywhere_leaves_a_whole_generation(interrupted, tmp_path):
    left, before, middle = interrupted
    whole = snapshot(copied(left, tmp_path, "whole"))
    _, starts, page = frames(f"{left}-wal")
    for start in starts[:: max(len(starts) // 6, 1)]:
        store = copied(left, tmp_path, f"torn{start}")
        with Path(f"{store}-wal").open("r+b") as log:
            # One sector of the page never came to the disk.
            log.seek(start + _FRAME_HEADER + page // 2)
            log.write(
                bytes(b ^ 0xFF for b in Path(f"{left}-wal").read_bytes()[log.tell() : log.tell() + 512])
            )
        found = snapshot(store)
        assert found in (before, whole) or found[0] == whole[0][:middle]
        shutil.rmtree(store.parent)


def test_a_log_of_another_time_beside_the_file_is_never_answered_from_unnoticed(interrupted, tmp_path):
    """Somebody copies the file back from a backup and leaves the newer log beside it, or the reverse."""
    left, before, _ = interrupted
    whole = snapshot(copied(left, tmp_path, "whole"))
    # The file written back in full, beside the log that it was written back from.
    newer = copied(left, tmp_path, "newer")
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    stale = copied(left, tmp_path, "stale")
    shutil.copy(newer, stale)
    assert snapshot(stale) == whole
    # A file that went on, beside the log of an earlier day.
    store = reopen(newer)
    teach(store, "fifth", {"gauge": 5})
    store.close()
    later = snapshot(newer)
    mixed = copied(left, tmp_path, "mixed")
    shutil.copy(newer, mixed)
    assert told_or(mixed, (before, whole, later))
    # A file of an earlier day, beside no log, is that day's.
    assert snapshot(copied(left, tmp_path, "again")) == whole


def told_or(path, lawful):
    """Whether a store is one of those, or says that it is not as it was left."""
    try:
        store = reopen(path)
        try:
            if verify(store).discrepancies:
                return True
        finally:
            store.close()
        return snapshot(path) in lawful
    except (EdgeToscaError, ValueError, sqlite3.Error):
        return True
