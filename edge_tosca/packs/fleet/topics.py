"""Names of a fleet's topics, and what an untrusted name says.

All are below `edge-tosca/FLEET/v1/`; `docs/fleet-asyncapi.yaml` describes them.
"""

import re
from dataclasses import dataclass
from typing import Literal

from edge_tosca.errors import FleetError

Kind = Literal["roster", "hello", "have", "blob", "add", "del", "command"]

MAX_SMALL = 64 << 10
"""Bytes of the largest hello, offer, tombstone and command."""

MAX_LARGE = 8 << 20
"""Bytes of the largest roster, have and blob on the broker; larger blobs are objects of an S3 store."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,15}", re.ASCII)


@dataclass(frozen=True)
class Topic:
    """What the name of a topic says.

    Attributes:
        kind: of its messages.
        box: name of the box, of a hello, a have and a command; "" for others.
        group: of an offer or a tombstone.
        digest: of a blob, an offer or a tombstone: sha256 (hex) of the pack.
        number: of a command.
    """

    kind: Kind
    box: str = ""
    group: str = ""
    digest: str = ""
    number: int = 0


class Topics:
    """The topics of one fleet.

    Args:
        fleet: its name.

    Raises:
        FleetError: it cannot be part of a topic.
    """

    def __init__(self, fleet: str) -> None:
        self.root = f"edge-tosca/{checked_name(fleet)}/v1"

    def roster(self) -> str:
        """Return the topic of the list of members."""
        return f"{self.root}/roster"

    def hello(self, box: str) -> str:
        """Return the topic on which a box says that it is there."""
        return f"{self.root}/box/{box}/hello"

    def have(self, box: str) -> str:
        """Return the topic on which a box says which packs it holds."""
        return f"{self.root}/box/{box}/have"

    def blob(self, digest: str) -> str:
        """Return the topic of an encrypted pack."""
        return f"{self.root}/blob/{digest}"

    def add(self, group: str, digest: str) -> str:
        """Return the topic of the offer of a pack to a group."""
        return f"{self.root}/set/{group}/add/{digest}"

    def tombstone(self, group: str, digest: str) -> str:
        """Return the topic of the tombstone of a pack in a group."""
        return f"{self.root}/set/{group}/del/{digest}"

    def command(self, box: str, number: int) -> str:
        """Return the topic of a command to a box."""
        return f"{self.root}/cmd/{box}/{number}"

    def followed(self, box: str) -> tuple[str, ...]:
        """Return the filters that a box subscribes to; blobs are asked for one by one.

        Args:
            box: its name.
        """
        return (self.roster(), f"{self.root}/set/#", f"{self.root}/cmd/{box}/+", self.hello(box))

    def watched(self) -> tuple[str, ...]:
        """Return the filters of what boxes report."""
        return (f"{self.root}/box/+/hello", f"{self.root}/box/+/have")

    def parse(self, name: str) -> Topic | None:
        """Read an untrusted name.

        Args:
            name: of a topic.

        Returns:
            What it says; None if it is no topic of this fleet.
        """
        if not name.startswith(f"{self.root}/"):
            return None
        return _parsed(name[len(self.root) + 1 :].split("/"))


def checked_name(name: str) -> str:
    """Check the name of a fleet, a box or a group.

    Args:
        name: as typed.

    Returns:
        The name.

    Raises:
        FleetError: it cannot be part of a topic.
    """
    if not is_name(name):
        raise FleetError(
            f"{name[:40]!r} cannot name a fleet, a box or a group; take 1 to 64 letters, digits, '.', '_' or "
            "'-', the first a letter or a digit"
        )
    return name


def is_name(name: object) -> bool:
    """Return whether a value can name a fleet, a box or a group."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def is_digest(text: object) -> bool:
    """Return whether a value is a sha256 in lower-case hex."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def most_bytes(topic: Topic) -> int:
    """Return the size of the largest message that is read from a topic."""
    # An encrypted blob has a few bytes of its own.
    return MAX_LARGE + 1024 if topic.kind in ("roster", "have", "blob") else MAX_SMALL


def _parsed(parts: list[str]) -> Topic | None:
    match parts:
        case ["roster"]:
            return Topic("roster")
        case ["box", box, ("hello" | "have") as kind] if is_name(box):
            return Topic("hello" if kind == "hello" else "have", box=box)
        case ["blob", digest] if is_digest(digest):
            return Topic("blob", digest=digest)
        case ["set", group, ("add" | "del") as kind, digest] if is_name(group) and is_digest(digest):
            return Topic("add" if kind == "add" else "del", group=group, digest=digest)
        case ["cmd", box, number] if is_name(box) and _NUMBER.fullmatch(number):
            return Topic("command", box=box, number=int(number))
    return None
