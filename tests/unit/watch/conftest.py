import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from edge_tosca.results import Answer, Guess
from edge_tosca.watch import Change

PATIENCE = 30


@pytest.fixture(scope="session")
def eventually():
    def wait(holds):
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.02)

    return wait


@pytest.fixture(scope="session")
def change():
    def make(label="mug", unknown=False, number=1):
        answer = Answer(label, 0.875, unknown, "task 1", (Guess(label, 0.875, 0.7),), 1.5, {}, 0.7, 0.2)
        return Change(answer, number, 5, "2026-01-01T00:00:00.000+00:00")

    return make


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def certificate(folder):
    """A certificate of 127.0.0.1 that vouches for itself."""
    cert = folder / "cert.pem"
    make = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=box -addext subjectAltName=IP:127.0.0.1 -keyout {folder / 'key.pem'} -out {cert}"
    )
    subprocess.run(make.split(), check=True, capture_output=True)
    return cert


class Mosquitto:
    """A real broker on a loopback port of its own, which can be stopped and started again."""

    def __init__(self, program, folder, password):
        self.program, self.folder = program, folder
        self.port, self.tls_port = free_port(), free_port()
        self.cert = certificate(folder)
        lines = [
            "persistence false",
            f"listener {self.port} 127.0.0.1",
            f"listener {self.tls_port} 127.0.0.1",
        ]
        lines += [f"certfile {self.cert}", f"keyfile {folder / 'key.pem'}"]
        if password is None:
            lines.append("allow_anonymous true")
        else:
            users = folder / "users"
            words = ["mosquitto_passwd", "-c", "-b", users, "box", password]
            subprocess.run(words, check=True, capture_output=True)
            lines += ["allow_anonymous false", f"password_file {users}"]
        if os.geteuid() == 0:
            lines.append("user root")
        (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [self.program, "-c", self.folder / "mosquitto.conf"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                assert time.monotonic() < end and self.process.poll() is None, "mosquitto does not start"
                time.sleep(0.05)

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def mosquitto(tmp_path):
    """Start brokers; without Mosquitto a test is skipped, in CI it fails."""
    # Debian puts it where an ordinary user's PATH does not lead.
    program = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if program is None:
        reason = "mosquitto is not installed (apt install mosquitto)"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}, and CI must have it")
        pytest.skip(reason)
    brokers = []

    def start(password=None):
        folder = Path(tmp_path, f"broker{len(brokers)}")
        folder.mkdir()
        brokers.append(Mosquitto(program, folder, password).start())
        return brokers[-1]

    yield start
    for broker in brokers:
        broker.stop()


@pytest.fixture
def listen():
    """Subscribe to everything on a broker; gives the newest payload by topic, empty ones left out."""
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    clients = []

    def subscribe(broker, user=None, password=None):
        heard = {}
        client = Client(CallbackAPIVersion.VERSION2)
        if user is not None:
            client.username_pw_set(user, password)
        client.reconnect_delay_set(1, 1)
        client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        client.on_message = lambda _, __, message: heard.update({message.topic: message.payload.decode()})
        client.connect("127.0.0.1", broker.port)
        client.loop_start()
        clients.append(client)
        return heard

    yield subscribe
    for client in clients:
        client.disconnect()
        client.loop_stop()
