"""Attacks by somebody with access to the broker, or by a member, and what each got."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.fleet.boxes import FLEET, Boxes
from tests.fleet.lessons import questions

from edge_tosca.packs.fleet.converge import Offer, Tombstone
from edge_tosca.packs.fleet.messages import signed, verified
from edge_tosca.packs.fleet.reports import Have, read_have

TOPICS = 10_000
OTHER = "1f" * 32


@dataclass(frozen=True)
class Attack:
    """An attack.

    Attributes:
        name: what was tried.
        got: what it got, in words.
        held: the boxes answer as before and hold the same packs.
    """

    name: str
    got: str
    held: bool


def attack(folder: Path) -> list[Attack]:
    """Try all attacks on a fleet of a till, another till and a yard, one after the other.

    Args:
        folder: for the stores.

    Returns:
        What each got.
    """
    groups = {"ann": ("till",), "bob": ("till",), "eve": ("yard",)}
    fleet = Boxes(folder, {name: {"groups": groups[name]} for name in groups}, alike=False)
    fleet.teach("ann", "mug", "pen")
    fleet.teach("bob", "cup")
    fleet.teach("bob", "gone")
    fleet.run()
    fleet.running["bob"].learner.forget("gone")
    fleet.run()
    asked = questions(["mug", "pen", "cup", "gone"])

    def after(name: str, do: Callable[[], str]) -> Attack:
        before = fleet.answers(asked), {box: one.packs for box, one in fleet.running.items()}
        dropped = _dropped(fleet)
        got = do()
        fleet.run(rounds=60)
        now = fleet.answers(asked), {box: one.packs for box, one in fleet.running.items()}
        new = sorted(reason for reason, times in _dropped(fleet).items() if times > dropped.get(reason, 0))
        return Attack(name, got + (f" (dropped: {'; '.join(new)})" if new else ""), before == now)

    made = [
        after("replayed offer of a deleted pack", lambda: _replay(fleet)),
        after("tombstone by a teacher of another group", lambda: _tombstone(fleet)),
        after("forged have", lambda: _forged_have(fleet)),
        after("replayed have", lambda: _old_have(fleet)),
        after("blob of other content", lambda: _blob(fleet)),
        after("every retained message cleared", lambda: _clear(fleet)),
        after(f"{TOPICS:,} topics", lambda: _flood(fleet)),
        after("offer of another backbone's pack", lambda: _wrong_backbone(fleet)),
    ]
    # A report that was replaced is published again after a few seconds.
    for _ in range(30):
        fleet.step()
    # What an attack left on the broker in place of a report or a blob.
    reports = {
        name: read_have(verified(fleet.broker.retained[fleet.topics.have(name)], FLEET)).held
        for name in fleet.members
    }
    right = all(set(reports[name]) == fleet.running[name].packs for name in fleet.members)
    made.append(Attack("reports on the broker after all of these", "the boxes' own", right))
    fleet.close()
    return made


def _dropped(fleet: Boxes) -> dict[str, int]:
    return dict(fleet.running["ann"].box.inbox.dropped)


def _old(fleet: Boxes, part: str) -> list[tuple[str, bytes]]:
    return [(topic, payload) for topic, payload in fleet.broker.history if part in topic and payload]


def _replay(fleet: Boxes) -> str:
    for topic, payload in _old(fleet, "/add/") + _old(fleet, "/blob/"):
        fleet.broker.publish(topic, payload)
    return "nothing: the tombstone wins, and the boxes clear the offer and the blob again"


def _tombstone(fleet: Boxes) -> str:
    key = fleet.running["eve"].box.membership.key()
    for pack in sorted(fleet.running["ann"].packs):
        content = Tombstone("till", pack, key.public, 900, "forget").content()
        message = signed("tombstone", FLEET, 900, content, key)
        fleet.broker.publish(fleet.topics.tombstone("till", pack), message.data)
    return "nothing: its signer is no teacher of the group"


def _forged_have(fleet: Boxes) -> str:
    key = fleet.running["eve"].box.membership.key()
    report = Have(missing=tuple(sorted(fleet.running["ann"].packs)), generation=9)
    message = signed("have", FLEET, 901, report.content(), key)
    fleet.broker.publish(fleet.topics.have("bob"), message.data)
    return "nothing: it is signed by another box; bob publishes its own again"


def _old_have(fleet: Boxes) -> str:
    topic, payload = _old(fleet, fleet.topics.have("bob"))[0]
    fleet.broker.publish(topic, payload)
    return "nothing: its number is old; bob publishes the latest again"


def _blob(fleet: Boxes) -> str:
    fleet.stop("bob", killed=True)
    fleet.teach("ann", "jar")
    for _ in range(6):
        fleet.step()
    packs = fleet.running["ann"].packs
    blobs = {topic: fleet.broker.retained[topic] for topic in map(fleet.topics.blob, sorted(packs))}
    for topic, other in zip(blobs, [*blobs.values()][1:] + [*blobs.values()][:1], strict=True):
        fleet.broker.publish(topic, other)
    fleet.start("bob")
    rounds = fleet.run()
    if fleet.running["bob"].packs != packs:
        return "bob lacks a pack"
    fleet.running["ann"].learner.forget("jar")
    fleet.run()
    return f"a delay of {rounds / 2:.0f} s: bob refused it and said what it lacks, and ann gave the right one"


def _clear(fleet: Boxes) -> str:
    before = {topic for topic in fleet.broker.retained if "/have" not in topic and "/hello" not in topic}
    for topic in list(fleet.broker.retained):
        fleet.broker.publish(topic, b"")
    fleet.run(rounds=60)
    lost = {topic for topic in before if topic not in fleet.broker.retained}
    return f"{len(lost)} of {len(before)} topics stay empty; hello comes with the next connection"


def _flood(fleet: Boxes) -> str:
    size = sum(path.stat().st_size for path in fleet.folder.rglob("records.db"))
    for number in range(TOPICS):
        fleet.broker.publish(fleet.topics.add("till", f"{number:064x}"), b"{}" * 50)
    fleet.run(rounds=60)
    grown = sum(path.stat().st_size for path in fleet.folder.rglob("records.db")) - size
    for number in range(TOPICS):
        fleet.broker.retained.pop(fleet.topics.add("till", f"{number:064x}"), None)
    return f"the boxes' files grew by {grown} bytes"


def _wrong_backbone(fleet: Boxes) -> str:
    key = fleet.running["ann"].box.membership.key()
    offer = Offer("till", "ab" * 32, key.public, 902, OTHER, 1000)
    message = signed("offer", FLEET, 902, offer.content(), key)
    fleet.broker.publish(fleet.topics.add("till", "ab" * 32), message.data)
    return "nothing: the pack is not wanted and its blob not asked for"


def wrong_box(folder: Path) -> Attack:
    """Let a box with another backbone join, and teach on both sides.

    Args:
        folder: for the stores.

    Returns:
        What each side knows of the other's lessons.
    """
    fleet = Boxes(
        folder, {"ann": {}, "bob": {}, "odd": {}}, settings={"odd": {"fingerprint": OTHER}}, alike=False
    )
    fleet.teach("ann", "mug")
    fleet.teach("odd", "pen")
    fleet.run(rounds=40)
    labels = {name: sorted(one.learner.state.labels) for name, one in fleet.running.items()}
    fleet.close()
    held = labels == {"ann": ["mug"], "bob": ["mug"], "odd": ["pen"]}
    return Attack("box with the wrong bundle", "nothing: each backbone's packs stay among its boxes", held)
