"""What a served box tells others: a webhook, a look on request, counts, and metrics."""

import json

import httpx
import pytest
from tests.unit.watch.shelf import SECRET


@pytest.fixture
def secret(tmp_path):
    file = tmp_path / "secret"
    file.write_bytes(SECRET)
    file.chmod(0o600)
    return file


@pytest.fixture
def store(taught, copy_store, tmp_path):
    return copy_store(taught, tmp_path / "shop.tosca")


def shown(served):
    found = served.ask("GET", "/live").json()
    return found["shown"] and found["shown"]["label"]


def answered(served):
    return served.ask("GET", "/camera").json()["live"]["answered"]


def test_a_change_is_posted_with_severity_and_picture(
    serve, edge, store, shelf, secret, frames_file, eventually
):
    assert edge("store", "severity", store, "cone", "alarm").code == 0
    camera = f"{frames_file('cone')}?fps=15&loop=1"
    options = ("--webhook", shelf.url, "--webhook-secret-file", secret, "--webhook-picture", "5")
    with serve(store, "--camera", camera, *options) as served:
        assert eventually(lambda: shelf.got, bool)
        line = 'edge_tosca_events_total{outcome="delivered",sink="webhook"} 1.0'
        assert eventually(lambda: httpx.get(f"{served.url}metrics").text, lambda text: line in text)
    event = json.loads(shelf.got[0][2])
    assert (event["label"], event["severity"]) == ("cone", "alarm")
    assert event["picture"].startswith("/9j/")


def test_a_look_on_request_is_all_that_is_looked_at(serve, store, frames_file, eventually):
    camera = f"{frames_file('cone')}?fps=15&loop=1"
    with serve(store, "--camera", camera, "--trigger", "request") as served:
        assert eventually(lambda: shown(served), lambda label: label == "cone")
        first = eventually(lambda: answered(served), lambda count: count == 5)
        live = served.ask("GET", "/camera").json()["live"]
        assert eventually(
            lambda: served.ask("GET", "/camera").json()["live"]["unneeded"],
            lambda count: count > live["unneeded"] + 3,
        )
        # What is shown holds while nothing is looked at.
        assert (first, answered(served), shown(served)) == (5, 5, "cone")
        asked = served.ask("POST", "/regions/frame/look")
        assert (asked.status_code, asked.json()) == (200, {"camera": "main", "region": "frame"})
        assert eventually(lambda: answered(served), lambda count: count == 10)
        assert served.ask("POST", "/regions/gate/look").status_code == 404
        assert served.ask("POST", "/regions/frame/look", params={"camera": "hall"}).status_code == 404


def test_counts_are_kept_when_they_are_turned_on_and_metrics_have_them_anyway(
    serve, edge, store, frames_file, eventually
):
    camera = f"{frames_file('cone')}?fps=15&loop=1"
    with serve(store, "--camera", camera) as served:
        assert served.ask("GET", "/tally").json() == {"days": None, "counts": []}
        assert served.ask("PUT", "/tally", json={"days": 30}).json()["days"] == 30
        line = 'edge_tosca_seen_total{camera="main",class="cone",region="frame"} 1.0'
        assert eventually(lambda: httpx.get(f"{served.url}metrics").text, lambda text: line in text)
        assert served.ask("PUT", "/tally", json={"days": 0}).status_code == 422
    # The last minute is written at the end.
    ran = edge("tally", store, "--csv")
    assert ran.code == 0
    head, row = ran.out.splitlines()[:2]
    assert head == "hour,camera,region,label,seen,seconds"
    assert row.split(",")[1:5] == ["main", "frame", "cone", "1"]
    assert float(row.split(",")[5]) > 0
    assert edge("tally", store, "--off").code == 0
    assert "nothing is counted" in edge("tally", store).out


def test_what_cannot_be_used_is_said_at_the_start(edge, store, frames_file, secret):
    camera = ("--camera", frames_file("cone"))
    for words, message in (
        (("--webhook", "https://host/"), "needs a secret"),
        (("--webhook", "mqtt://host/", "--webhook-secret-file", secret), "no address of a receiver"),
        (("--webhook-secret-file", secret), "need --webhook URL"),
        (("--trigger", "never"), "choose always, motion, request"),
        (("--look-gpio", "17"), "/dev/gpiochip0:17"),
    ):
        ran = edge("serve", store, *camera, *words)
        assert ran.code == 1
        assert message in ran.err
