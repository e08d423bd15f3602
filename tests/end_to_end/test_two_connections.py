"""A process with several connections to one store, as the console has, beside processes that write to it."""

from edge_tosca.store import Store


def test_opening_a_store_again_takes_no_lock_from_a_connection_of_the_same_process(
    edge, photos, taught, copy_store, tmp_path
):
    store = copy_store(taught, tmp_path / "shop.tosca")
    watching = Store.open(store)
    before = watching.latest()
    Store.open(store).close()
    # When the other process ends, it deletes the log if it believes that nobody else has the store open.
    assert edge("forget", store, "cone").code == 0
    assert watching.latest() == before + 1
    assert "cone" not in watching.state().labels
    with watching.transaction():
        written = watching.add_generation("limit", watching.latest())
        watching.set_report(written, {})
    watching.close()
    seen = edge("history", store, "--json").json["generations"]
    assert seen[-1]["number"] == written
