"""One publisher for a broker and a prefix on a host, and none is kept out by one that is gone."""

import os
import subprocess
import sys
from contextlib import ExitStack, closing

import pytest

from edge_tosca.errors import EdgeToscaError
from edge_tosca.watch import Broker
from edge_tosca.watch.instance import Instance

HOLD = """
import sys, time
from edge_tosca.watch import Broker
from edge_tosca.watch.instance import Instance
held = Instance(Broker.parse(sys.argv[1]))
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def url():
    # The names are the host's, so that tests of two checkouts must not share one.
    return f"mqtt://broker.example:1883/test-{os.getpid()}"


def test_a_second_publisher_is_refused_and_told_what_to_do(url):
    broker = Broker.parse(url)
    with closing(Instance(broker)), pytest.raises(EdgeToscaError, match="name another prefix") as caught:
        Instance(broker)
    message = str(caught.value)
    assert "broker.example:1883" in message and len(message.splitlines()) == 1
    assert f"test-{os.getpid()}" not in message
    Instance(broker).close()


def test_other_prefixes_and_other_brokers_are_others(url):
    with ExitStack() as held:
        for other in (url, f"{url}/gate", url.replace("1883", "1884"), url.replace("broker.", "other.")):
            held.enter_context(closing(Instance(Broker.parse(other))))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST", "localhost."])
def test_this_host_is_one_broker_under_all_its_names(url, host):
    with (
        closing(Instance(Broker.parse(url.replace("broker.example", "127.0.0.1")))),
        pytest.raises(EdgeToscaError),
    ):
        Instance(Broker.parse(url.replace("broker.example", host)))


def test_the_kernel_releases_it_when_the_process_is_killed(url):
    with subprocess.Popen([sys.executable, "-c", HOLD, url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(EdgeToscaError):
            Instance(Broker.parse(url))
        process.kill()
        process.wait()
    Instance(Broker.parse(url)).close()


def test_a_sandbox_without_such_sockets_keeps_nobody_from_publishing(url, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("socket.socket", refuse)
    Instance(Broker.parse(url)).close()
