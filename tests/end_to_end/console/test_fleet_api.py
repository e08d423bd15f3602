"""The fleet of a box, over the API: what it holds, and to whom goes what it is taught."""

from datetime import UTC, datetime

from edge_tosca.packs.fleet.administration import Administration
from edge_tosca.packs.fleet.membership import load_membership, read_invitation, save_membership


def test_a_box_without_a_fleet_says_so(open_box):
    found = open_box.ask("GET", "/fleet").json()
    assert found["member"] is False and found["boxes"] == []
    assert open_box.ask("PUT", "/fleet/share", json={"share": "all"}).status_code == 409


def test_what_is_taught_goes_to_whom_the_page_says(serve, taught, copy_store, tmp_path):
    store = copy_store(taught, tmp_path / "shop.tosca")
    fleet = Administration.create(tmp_path / "fleet", "shop", "mqtt://127.0.0.1:9")
    fleet.invite(tmp_path / "other", "other", ring=1)
    fleet.invite(tmp_path / "till", "till", groups=("tills",))
    save_membership(store, read_invitation(tmp_path / "till", datetime.now(UTC)))
    with serve(store, "--wait", "0") as served:
        found = served.ask("GET", "/fleet").json()
        assert (found["box"], found["share"], found["may_share"]) == ("till", "tills", ["all", "tills"])
        assert [(one["box"], one["online"], one["ring"]) for one in found["boxes"]] == [("other", False, 1)]
        for group in ("all", ""):
            assert served.ask("PUT", "/fleet/share", json={"share": group}).json()["share"] == group
            assert load_membership(store).share == group
        assert served.ask("PUT", "/fleet/share", json={"share": "yard"}).status_code == 422
