"""A fleet over a real Mosquitto with client certificates and access rules, and over an S3 store."""

import os
import shutil
import socket
import subprocess
import time

import pytest

from edge_tosca.errors import FleetError
from edge_tosca.packs.fleet.broker_address import BrokerAddress
from edge_tosca.packs.fleet.holdings import holdings
from edge_tosca.packs.fleet.mqtt import MqttTransport
from edge_tosca.packs.fleet.topics import Topics

TOPICS = Topics("shop")
PATIENCE = 60


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def run(*words):
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


def certify(folder, name):
    """Make a certificate of the fleet's authority for a box, and return the address's options."""
    key, request, cert = (folder / f"{name}.{kind}" for kind in ("key", "csr", "pem"))
    extension = folder / "san"
    extension.write_text("subjectAltName=IP:127.0.0.1")
    run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    run("openssl", "req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", request)
    sign = ["openssl", "x509", "-req", "-in", request, "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key"]
    run(*sign, "-CAcreateserial", "-days", "2", "-extfile", extension, "-out", cert)
    return f"?ca={folder / 'ca.pem'}&cert={cert}&key={key}"


class Broker:
    """Mosquitto on a loopback port, which keeps nothing on disk."""

    def __init__(self, folder, *lines):
        self.port = free_port()
        self.conf = folder / "mosquitto.conf"
        root = ["user root"] if os.geteuid() == 0 else []
        self.conf.write_text("\n".join([f"listener {self.port} 127.0.0.1", *root, *lines]) + "\n")
        self.start()

    def start(self):
        program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if program is None:
            pytest.skip("mosquitto is not installed (apt install mosquitto)")
        self.process = subprocess.Popen([program, "-c", self.conf], stderr=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert time.monotonic() < end and self.process.poll() is None
                time.sleep(0.05)

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start_broker(tmp_path):
    brokers = []

    def start(*lines):
        brokers.append(Broker(tmp_path, *lines))
        return brokers[-1]

    yield start
    for one in brokers:
        one.kill()


def step(boxes, holds):
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        for box in boxes:
            box.step(0.02)


def test_boxes_with_certificates_converge_over_mosquitto_and_refill_it(
    shop, teach, answers, start_broker, tmp_path
):
    fleet = shop()
    make = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    run(*make, "-subj", "/CN=ca", "-keyout", tmp_path / "ca.key", "-out", tmp_path / "ca.pem")
    certify(tmp_path, "broker")
    broker = start_broker(
        f"cafile {tmp_path / 'ca.pem'}",
        f"certfile {tmp_path / 'broker.pem'}",
        f"keyfile {tmp_path / 'broker.key'}",
        "require_certificate true",
        "use_identity_as_username true",
        "allow_anonymous false",
        f"acl_file {tmp_path / 'fleet' / 'mosquitto.acl'}",
    )

    def transport(name, will=None):
        address = f"mqtts://127.0.0.1:{broker.port}{certify(tmp_path, name)}"
        return MqttTransport(BrokerAddress.parse(address), will)

    fleet.connect = transport
    fleet.clock = time.monotonic
    a, b = fleet.add("a"), fleet.add("b")
    teach(a, "mug", "pen")
    step([a, b], lambda: len(holdings(b.store.settings)) == 2)
    assert answers(a) == answers(b)

    # A box may not report for another one, and neither may it command.
    before = [one for one in b.haves() if one.key == a.inbox.public]
    for topic in (TOPICS.have("a"), TOPICS.command("a", 1)):
        b.transport.publish(topic, b"")
    watcher = transport("administrator")
    watcher.poll(5)
    watcher.subscribe((TOPICS.have("a"),))
    assert [one.topic for one in watcher.poll(10)] == [TOPICS.have("a")]
    assert before

    # The last will of a box that is killed says that it is away.
    a.transport._client.socket().shutdown(socket.SHUT_RDWR)
    watcher.subscribe((TOPICS.hello("a"),))
    found = []
    step([], lambda: found.extend(watcher.poll(1)) or any(b'online\\":false' in one.payload for one in found))

    # A broker that is killed has lost all; a box that was there before gives it to a new one.
    broker.kill()
    broker.start()
    del fleet.boxes["a"]
    a.transport._client.disconnect()
    c = fleet.add("c")
    step([b, c], lambda: len(holdings(c.store.settings)) == 2)
    assert answers(c) == answers(a)


def test_a_broker_without_retained_messages_is_named_in_one_line(start_broker):
    broker = start_broker("allow_anonymous true", "retain_available false")
    transport = MqttTransport(BrokerAddress.parse(f"mqtt://127.0.0.1:{broker.port}"))
    with pytest.raises(FleetError, match="keeps no retained messages") as caught:
        transport.poll(10)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    ["http://broker", "mqtt://broker/topic", "mqtt://broker?ca=x", "mqtts://broker?ca=/missing", "broker"],
)
def test_an_address_that_is_none_is_refused_without_its_password(address):
    with pytest.raises(FleetError) as caught:
        BrokerAddress.parse(address.replace("://", "://user:secret@"))
    assert "secret" not in str(caught.value)


def test_large_lessons_travel_through_an_s3_store(shop, teach, answers, monkeypatch):
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0)
    import boto3

    from edge_tosca.packs.fleet import converge, exchange
    from edge_tosca.packs.fleet.objects import S3Objects

    for name, value in (("ACCESS_KEY_ID", "x"), ("SECRET_ACCESS_KEY", "x"), ("DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(f"AWS_{name}", value)
    for module in (converge, exchange):
        monkeypatch.setattr(module, "MAX_LARGE", 1000)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}/lessons/shop"
        bucket = boto3.resource("s3", endpoint_url=f"http://{host}:{port}").create_bucket(Bucket="lessons")
        fleet = shop()
        a, b = fleet.add("a"), fleet.add("b")
        for box in (a, b):
            box.exchange.objects = S3Objects(address)
        teach(a, "mug", "pen")
        fleet.run(steps=10)
        assert answers(a) == answers(b) != []
        assert not [name for name in fleet.broker.retained if "/blob/" in name]
        assert {one.key for one in bucket.objects.all()} == {
            f"shop/{pack}" for pack in holdings(b.store.settings)
        }
        a.learner.forget("mug")
        fleet.run(steps=10)
        assert {one.key for one in bucket.objects.all()} == {
            f"shop/{pack}" for pack in holdings(b.store.settings)
        }
        assert len(holdings(b.store.settings)) == 1
        assert a.exchange.objects.get("0" * 64) is None
        with pytest.raises(FleetError, match="check its address"):
            S3Objects(f"http://{host}:{port}/missing").put("0" * 64, b"")
    finally:
        server.stop()
