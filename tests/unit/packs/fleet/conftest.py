"""Boxes of a fleet in one process: real stores, features that are given, and a broker in memory."""

import itertools
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
import pytest

from edge_tosca.learner.learner import Learner
from edge_tosca.packs.fleet.administration import Administration
from edge_tosca.packs.fleet.box import Box
from edge_tosca.packs.fleet.hello import last_will
from edge_tosca.packs.fleet.membership import folder_of, read_invitation, save_membership
from edge_tosca.packs.fleet.memory_broker import MemoryBroker
from edge_tosca.packs.fleet.records import Records
from edge_tosca.store.store import Store
from edge_tosca.vision.feature_extractor import FeatureExtractor

D = 16
PLAIN = {
    "bundle": "",
    "runtime": "onnxruntime",
    "device": "CPU",
    "router": "fused",
    "feature_dim": str(D),
    "refused": "0.05",
    "fingerprint": "0f" * 32,
    "origin": "lite0 on CPU",
}
QUERIES = np.random.default_rng(0).normal(size=(40, D)).astype(np.float32)


def pictures(label, shots=6):
    rng = np.random.default_rng(list(label.encode()))
    return (rng.normal(size=D) + 0.7 * rng.normal(size=(shots, D))).astype(np.float16)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


class Shop:
    """A fleet of boxes around one broker."""

    def __init__(self, folder, **options):
        self.folder, self.broker, self.clock = folder, MemoryBroker(), Clock()
        self.admin = Administration.create(folder / "fleet", "shop", "mqtt://broker", **options)
        self.boxes, self.connect = {}, None
        self._numbers = itertools.count()

    def add(self, name, settings=(), **options):
        """Invite a box and let it join."""
        invitation = self.folder / f"{name}.invitation"
        self.admin.invite(invitation, name, **options)
        invitation.chmod(0o600)
        membership = read_invitation(invitation, datetime.now(UTC) + timedelta(days=1))
        store = Store.create(self.folder / f"{name}.tosca", {**PLAIN, **dict(settings)})
        save_membership(store.path, membership)
        return self.open(name, store, membership)

    def open(self, name, store, membership):
        records = Records(folder_of(store.path) / "records.db", "shop")
        random = Random(next(self._numbers))
        if self.connect is None:
            transport = self.broker.client(last_will(store, membership, records))
        else:
            transport = self.connect(name, lambda: last_will(store, membership, records))
        box = Box(store, membership, transport, clock=self.clock, settle=0.5, random=random)
        box.learner = Learner(store, FeatureExtractor())
        box.transport = transport
        self.boxes[name] = box
        return box

    def run(self, steps=40, among=None):
        """Let time pass until all that happens has happened."""
        for _ in range(steps):
            self.clock.now += 1
            for name in among or list(self.boxes):
                self.boxes[name].step(0)

    def close(self):
        for box in self.boxes.values():
            box.close()
            box.store.close()


@pytest.fixture
def shop(tmp_path):
    made = []

    def make(folder=".", **options):
        (tmp_path / folder).mkdir(exist_ok=True)
        made.append(Shop(tmp_path / folder, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def teach():
    def learn(box, *labels, shots=6, pictures_of=None):
        named = pictures_of or {label: label for label in labels}
        box.learner.learn_features({label: pictures(one, shots) for label, one in named.items()}, force=True)

    return learn


@pytest.fixture
def answers():
    def found(box):
        """What a box says of many pictures, to the last bit."""
        if not box.learner.state.tasks:
            return []
        made = box.learner.model.predict(QUERIES, top=5)
        return [(one.top, one.unknown, one.familiarity, one.task) for one in made]

    return found
