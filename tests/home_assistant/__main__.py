"""Publish to a real Mosquitto, and have Home Assistant's package judge what arrives.

`python -m tests.home_assistant PYTHON`: PYTHON is that of an environment with the package homeassistant.
"""

import json
import shutil
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from tests.unit.watch.conftest import Mosquitto

from edge_tosca.live import Place
from edge_tosca.results import Answer, Guess
from edge_tosca.watch import Broker, Change, Publisher

PLACES = tuple(Place(camera, region) for camera in ("gate", "bench") for region in ("left", "50 % right"))
SECONDS = 10.0
ENTITIES = 4
"""Of each region: label, confidence, unknown, and the button that asks for a look."""

JUDGE = Path(__file__).parent / "judge.py"


def collect(folder: Path) -> dict[str, str]:
    """Publish a change of every region, and return what a later subscriber gets.

    Args:
        folder: for the broker's files.

    Returns:
        Topic to payload, of the retained messages.
    """
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    broker = Mosquitto(program, folder, None).start()
    found: dict[str, str] = {}
    try:
        url = f"mqtt://127.0.0.1:{broker.port}/hall/box"
        with closing(Publisher(Broker.parse(url), print, PLACES, lambda _: None)) as publisher:
            publisher.available(dict.fromkeys(PLACES, True))
            for number, place in enumerate(PLACES):
                label = ("mug", "Größe", "x" * 300, "pen")[number]
                answer = Answer(
                    label, 0.875, number == 3, "task 1", (Guess(label, 0.875, 0.7),), 1.5, {}, 0.7, 0.2
                )
                change = Change(answer, number, 5, "2026-01-01T00:00:00.000+00:00")
                publisher.change(replace(change, place=place, severity="alarm"))
            client = Client(CallbackAPIVersion.VERSION2)
            client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
            client.on_message = lambda _, __, message: found.update({message.topic: message.payload.decode()})
            client.connect("127.0.0.1", broker.port)
            client.loop_start()
            end = time.monotonic() + SECONDS
            wanted = len(PLACES) * (ENTITIES + 1)
            while time.monotonic() < end:
                if sum(topic.endswith(("/config", "/state")) for topic in found) >= wanted:
                    break
                time.sleep(0.05)
            client.disconnect()
            client.loop_stop()
    finally:
        broker.stop()
    return found


def main() -> int:
    """Collect the messages and run the judge; return its exit code."""
    with TemporaryDirectory() as folder:
        messages = Path(folder) / "messages.json"
        messages.write_text(json.dumps(collect(Path(folder))))
        expected = str(len(PLACES) * ENTITIES)
        return subprocess.run([sys.argv[1], str(JUDGE), str(messages), expected]).returncode


if __name__ == "__main__":
    sys.exit(main())
