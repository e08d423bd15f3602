"""A process with several connections to one store, as the console has, beside processes that write to it."""

from pathlib import Path

from edge_tosca.store.store import Store


def test_opening_a_store_again_takes_no_lock_from_a_connection_of_the_same_process(
    edge, taught, copy_store, tmp_path
):
    store = copy_store(taught, tmp_path / "shop.tosca")
    log = Path(f"{store}-wal")
    watching = Store.open(store)
    before = watching.latest()
    Store.open(store).close()
    used = log.stat().st_ino
    # A process that ends deletes the log if it believes that nobody else has the store open.
    assert edge("forget", store, "cone").code == 0
    assert log.stat().st_ino == used
    assert watching.latest() == before + 1
    assert "cone" not in watching.state().labels
    watching.close()
