"""`python -m tests.fleet.mosquitto`: boxes as processes and a real Mosquitto, killed or stopped at random."""

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from tests.fleet.lessons import SETTINGS, answers, questions

from edge_tosca.learner.learner import Learner
from edge_tosca.packs.fleet.admin_session import AdminSession
from edge_tosca.packs.fleet.administration import Administration
from edge_tosca.packs.fleet.broker_address import BrokerAddress
from edge_tosca.packs.fleet.membership import read_invitation, save_membership
from edge_tosca.packs.fleet.mqtt import MqttTransport
from edge_tosca.store.store import Store
from edge_tosca.vision.feature_extractor import FeatureExtractor

LONGEST_SECONDS = 240.0


@dataclass
class Plant:
    """A broker and boxes, each a process.

    Attributes:
        folder: of their files.
        names: of the boxes.
        port: of the broker.
        processes: name to process; the broker is "broker".
    """

    folder: Path
    names: list[str]
    port: int
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """Start a box or the broker."""
        command = [sys.executable, "-m", "tests.fleet.box_process", str(self.path(name))]
        if name == "broker":
            program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
            command = [program, "-c", str(self.folder / "mosquitto.conf")]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        """End a process without a word."""
        process = self.processes.pop(name)
        process.kill()
        process.wait()

    def path(self, name: str) -> Path:
        """Return the path of a box's store."""
        return self.folder / f"{name}.tosca"

    def held(self, name: str) -> list[str] | None:
        """Return the packs that a box last said it holds; None while it fetches others."""
        try:
            found = json.loads(self.path(name).with_suffix(".held").read_text())
        except (OSError, ValueError):
            return None
        return None if found["fetching"] else list(found["packs"])

    def memory(self) -> int:
        """Return the resident bytes of the broker."""
        status = Path(f"/proc/{self.processes['broker'].pid}/status").read_text()
        return 1024 * int(status.split("VmRSS:")[1].split()[0])


def prove(folder: Path, boxes: int, classes: int, faults: int, seed: int = 0) -> dict[str, object]:
    """Teach classes at random boxes while they and the broker are killed and stopped.

    Args:
        folder: for all files.
        boxes: number of boxes.
        classes: number of classes.
        faults: number of faults.
        seed: of what is drawn.

    Returns:
        What was found; "seconds" from the last fault to the same packs everywhere is None for never.
    """
    chance, counts = random.Random(seed), Counter[str]()
    plant = _plant(folder, boxes)
    labels = [f"class {number:03}" for number in range(classes)]
    to_teach = labels.copy()
    stopped: list[str] = []
    for number in range(faults):
        for label in [to_teach.pop() for _ in range(min(len(to_teach), -(-classes // faults)))]:
            with plant.path(chance.choice(plant.names)).with_suffix(".teach").open("a") as file:
                file.write(f"{label}\n")
        time.sleep(chance.uniform(0.5, 2))
        name = (
            "broker" if number % 5 == 2 else chance.choice([one for one in plant.names if one not in stopped])
        )
        if name == "broker" or chance.random() < 0.5:
            plant.kill(name)
            counts["broker killed" if name == "broker" else "box killed"] += 1
            time.sleep(chance.uniform(0, 1))
            plant.start(name)
        else:
            os.kill(plant.processes[name].pid, signal.SIGSTOP)
            stopped.append(name)
            counts["box stopped"] += 1
        if len(stopped) > boxes // 3:
            os.kill(plant.processes[stopped.pop(0)].pid, signal.SIGCONT)
    for name in stopped:
        os.kill(plant.processes[name].pid, signal.SIGCONT)
    begun, seconds = time.monotonic(), None
    while seconds is None and time.monotonic() - begun < LONGEST_SECONDS:
        held = [plant.held(name) for name in plant.names]
        if None not in held and all(one == held[0] for one in held) and len(held[0] or ()) == classes:
            seconds = round(time.monotonic() - begun, 1)
        time.sleep(0.2)
    memory = plant.memory()
    for name in list(plant.processes):
        plant.kill(name)
    asked = questions(labels)
    found = {
        answers(Learner(Store.open(plant.path(name)), FeatureExtractor()), asked) for name in plant.names
    }
    return {
        "boxes": boxes,
        "classes": classes,
        "faults": dict(counts),
        "seconds": seconds,
        "answers": len(found),
        "broker_bytes": memory,
    }


def _plant(folder: Path, boxes: int) -> Plant:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (folder / "mosquitto.conf").write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\n"
        f"persistence_location {folder}/\nautosave_interval 2\nuser root\n"
    )
    plant = Plant(folder, [f"box{number:03}" for number in range(boxes)], port)
    admin = Administration.create(folder / "fleet", "shop", f"mqtt://127.0.0.1:{port}")
    for name in plant.names:
        admin.invite(folder / f"{name}.invitation", name)
    plant.start("broker")
    transport = MqttTransport(BrokerAddress.parse(f"mqtt://127.0.0.1:{port}"))
    session = AdminSession(admin, transport)
    session.connect(20)
    session.publish_roster()
    transport.close()
    for name in plant.names:
        store = Store.create(plant.path(name), SETTINGS)
        save_membership(store.path, read_invitation(folder / f"{name}.invitation", datetime.now(UTC)))
        store.close()
        plant.start(name)
    return plant


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--boxes", type=int, default=20)
    parser.add_argument("--classes", type=int, default=50)
    parser.add_argument("--faults", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = prove(Path(folder), options.boxes, options.classes, options.faults, options.seed)
    print(json.dumps(found))
    return 0 if found["seconds"] is not None and found["answers"] == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
