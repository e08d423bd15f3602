import os
import signal
import subprocess
import sys

import pytest

from edge_tosca.service import Notifier, Watchdog, supervised


def environment(listener, **more):
    return {"NOTIFY_SOCKET": listener.address, **more}


def test_every_message_reaches_systemd(listener):
    notifier = Notifier.from_environment(environment(listener))
    assert notifier.ready("watching")
    assert notifier.status("camera\nlost")
    assert notifier.ping()
    assert notifier.stopping("stopping")
    assert listener.pending() == [
        {"READY": "1", "STATUS": "watching"},
        {"STATUS": "camera lost"},
        {"WATCHDOG": "1"},
        {"STOPPING": "1", "STATUS": "stopping"},
    ]


def test_a_status_cannot_smuggle_in_another_message(listener):
    Notifier.from_environment(environment(listener)).status("fine\nMAINPID=1\rSTOPPING=1")
    assert listener.pending() == [{"STATUS": "fine MAINPID=1 STOPPING=1"}]


def test_where_nobody_listens_nothing_is_said():
    assert not Notifier.from_environment({}).ready("watching")


def test_a_listener_that_went_away_does_not_stop_the_service(tmp_path, caplog):
    assert not Notifier(str(tmp_path / "gone")).ready("watching")
    assert "systemd was not notified" in caplog.text


@pytest.mark.parametrize(
    ("variables", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_signs_of_life_are_given_where_they_are_expected_of_this_process(variables, seconds):
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": "/nowhere", **variables})
    assert notifier.watchdog_seconds == seconds


def test_the_watchdog_pings_only_while_every_loop_goes_round(listener):
    rounds = {"live": 0, "requests": 0}
    heartbeats = {name: (lambda name=name: rounds[name]) for name in rounds}
    watchdog = Watchdog(Notifier(listener.address, 30.0), heartbeats, "teaching and watching")
    assert watchdog.check() == []
    assert listener.pending() == [{"WATCHDOG": "1"}]

    rounds["requests"] += 1
    assert watchdog.check() == ["live"]
    assert watchdog.check() == ["live"]
    assert listener.pending() == [{"STATUS": "no progress of: live"}]

    rounds["live"] += 1
    assert watchdog.check() == []
    assert listener.pending() == [{"WATCHDOG": "1"}, {"STATUS": "teaching and watching"}]


PROGRAM = """
import signal, sys, threading
from edge_tosca.service import supervised

ended, hang, rounds = threading.Event(), threading.Event(), 0
signal.signal(signal.SIGTERM, lambda *_: ended.set())
signal.signal(signal.SIGUSR1, lambda *_: hang.set())
with supervised({"loop": lambda: rounds}, "going round"):
    while not ended.wait(0.01):
        rounds += not hang.is_set()
"""


def test_a_process_tells_its_start_its_life_its_hanging_and_its_end(listener):
    variables = environment(listener, WATCHDOG_USEC="400000")
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], env={**os.environ, **variables})
    try:
        assert listener.hear() == {"READY": "1", "STATUS": "going round"}
        assert [listener.hear() for _ in range(3)] == 3 * [{"WATCHDOG": "1"}]
        process.send_signal(signal.SIGUSR1)
        while (heard := listener.hear()) == {"WATCHDOG": "1"}:
            pass
        assert heard == {"STATUS": "no progress of: loop"}
        process.send_signal(signal.SIGTERM)
        assert listener.hear() == {"STOPPING": "1", "STATUS": "stopping"}
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def test_without_systemd_a_service_runs_all_the_same(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    with supervised({"loop": lambda: 0}, "going round") as notifier:
        assert not notifier.status("still going")
