"""The packs that travel as blobs: asking for them, opening them, and publishing them."""

import time
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from edge_tosca.digests import sha256
from edge_tosca.errors import EdgeToscaError, FleetError, PackError
from edge_tosca.packs.container import Pack
from edge_tosca.packs.fleet.converge import Offer
from edge_tosca.packs.fleet.encryption import decrypt_blob, encrypt_blob
from edge_tosca.packs.fleet.inbox import Inbox
from edge_tosca.packs.fleet.topics import MAX_LARGE
from edge_tosca.packs.fleet.transport import Transport
from edge_tosca.packs.reading import unpacked

AT_ONCE = 16
"""Blobs that are asked for at a time."""

ASK_AGAIN_SECONDS = 10.0


class Objects(Protocol):
    """An S3 store, for blobs that a broker does not take."""

    def put(self, digest: str, blob: bytes) -> None:
        """Store a blob under its name."""

    def get(self, digest: str) -> bytes | None:
        """Return a blob; None where there is none."""

    def delete(self, digest: str) -> None:
        """Remove a blob, if it is there."""


@dataclass
class Exchange:
    """The blobs of one box.

    Attributes:
        inbox: of the box.
        transport: to the broker.
        objects: the S3 store; None for none.
        clock: monotonic seconds.
        opened: digest to the pack and its bytes; only of wanted packs that are not imported yet.
        unusable: digest to the reason for which no box can import the pack.
        asked: digest to when it was asked for.
        failed: digests that were asked for and did not come in time, or came with other content.
    """

    inbox: Inbox
    transport: Transport
    objects: Objects | None = None
    clock: Callable[[], float] = time.monotonic
    opened: dict[str, tuple[Pack, bytes]] = field(default_factory=dict)
    unusable: dict[str, str] = field(default_factory=dict)
    asked: dict[str, float] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    def ask(self, offers: Iterable[Offer]) -> bool:
        """Ask for the packs of offers, a few at a time.

        Args:
            offers: one a pack.

        Returns:
            Whether a pack came at once, from the S3 store.
        """
        came, now = False, self.clock()
        for offer in offers:
            if offer.pack in self.opened or offer.pack in self.unusable:
                continue
            since = self.asked.get(offer.pack)
            if since is not None and now - since < ASK_AGAIN_SECONDS:
                continue
            if since is not None:
                self.failed.add(offer.pack)
                self._leave(offer.pack)
            elif len(self.asked) - len(self.failed & self.asked.keys()) >= AT_ONCE:
                continue
            self.asked[offer.pack] = now
            if offer.is_large:
                came |= self._fetch(offer.pack)
            else:
                self.transport.subscribe((self.inbox.topics.blob(offer.pack),))
        return came

    def new_session(self) -> None:
        """Ask again for what was asked for in a connection that is lost."""
        self.asked = dict.fromkeys(self.asked, self.clock())
        topics = tuple(self.inbox.topics.blob(pack) for pack in self.asked)
        if topics:
            self.transport.subscribe(topics)

    def take(self, digest: str, blob: bytes) -> bool:
        """Open an untrusted blob.

        Args:
            digest: its name.
            blob: its content.

        Returns:
            Whether it was asked for and holds the pack of that name.
        """
        if digest not in self.asked:
            return False
        try:
            data = decrypt_blob(blob, digest, self.inbox.keys())
            if sha256(data) != digest:
                raise FleetError("it holds another pack than its name says")
        except FleetError as error:
            # The right one may come yet, from a box that has it.
            self.inbox.count(f"a blob: {error}")
            self.failed.add(digest)
            return False
        self._leave(digest)
        self.failed.discard(digest)
        try:
            self.opened[digest] = unpacked(data, Path("a pack of the fleet")), data
        except PackError as error:
            self.unusable[digest] = str(error)
        return True

    def keep(self, digest: str, data: bytes) -> None:
        """Keep a pack of this box until it is imported."""
        self.opened[digest] = unpacked(data, Path("a pack of this box")), data

    def keep_only(self, packs: Set[str]) -> None:
        """Drop the packs that are no longer wanted, and ask for no others.

        Args:
            packs: digests of those that are wanted.
        """
        for pack in self.opened.keys() - packs:
            del self.opened[pack]
        for pack in self.asked.keys() - packs:
            self._leave(pack)
        self.failed &= packs

    def publish(self, digest: str, data: bytes) -> int:
        """Encrypt a pack for the fleet and publish it.

        Args:
            digest: sha256 (hex) of the pack.
            data: its bytes.

        Returns:
            Bytes of the blob.

        Raises:
            FleetError: it is too large for the broker, and the fleet has no S3 store.
        """
        epoch = self.inbox.roster.epoch
        keys = self.inbox.keys()
        if epoch not in keys:
            raise FleetError("this box was not given the present fleet key; ask the administrator")
        blob = encrypt_blob(data, digest, epoch, keys[epoch])
        if len(blob) <= MAX_LARGE:
            self.transport.publish(self.inbox.topics.blob(digest), blob)
        elif self.objects is None:
            raise FleetError(
                f"a lesson of {len(blob) >> 20} MiB is too large for a broker, and the fleet has no "
                "S3 store; name one with `edge-tosca fleet create --objects`, or teach it in smaller lessons"
            )
        else:
            self.objects.put(digest, blob)
        return len(blob)

    def clear(self, digest: str, *, is_large: bool) -> None:
        """Remove a pack from the broker or the S3 store.

        Args:
            digest: of the pack.
            is_large: it is an object of the S3 store.
        """
        self._leave(digest)
        self.opened.pop(digest, None)
        if not is_large:
            self.transport.publish(self.inbox.topics.blob(digest), b"")
        elif self.objects is not None:
            try:
                self.objects.delete(digest)
            except EdgeToscaError as error:
                self.inbox.count(str(error))

    def _fetch(self, digest: str) -> bool:
        if self.objects is None:
            self.failed.add(digest)
            return False
        try:
            blob = self.objects.get(digest)
        except EdgeToscaError as error:
            self.inbox.count(str(error))
            blob = None
        if blob is None:
            self.failed.add(digest)
            return False
        return self.take(digest, blob)

    def _leave(self, digest: str) -> None:
        if self.asked.pop(digest, None) is not None:
            self.transport.unsubscribe((self.inbox.topics.blob(digest),))
