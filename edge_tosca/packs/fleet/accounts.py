"""What a box knows of packs besides their arrays, and the bytes of a pack that its store holds."""

import json
from dataclasses import dataclass, field

from edge_tosca.digests import sha256
from edge_tosca.errors import FleetError
from edge_tosca.packs.container import Pack
from edge_tosca.packs.fleet.encryption import decrypt_blob, encrypt_blob
from edge_tosca.packs.fleet.holdings import held_packs
from edge_tosca.packs.fleet.inbox import Inbox
from edge_tosca.packs.fleet.lessons import account_of, stored_pack
from edge_tosca.store.store import Store


@dataclass(frozen=True)
class Content:
    """What a pack holds.

    Attributes:
        label: name of its class.
        key: of its signer.
        lesson: digest of its features and date, which is equal for packs of one lesson.
    """

    label: str
    key: str
    lesson: str


@dataclass
class Accounts:
    """The accounts of one box, encrypted under the fleet key on its disk, since they name classes.

    Attributes:
        inbox: of the box.
        store: of the box.
    """

    inbox: Inbox
    store: Store
    _known: dict[str, Content] = field(default_factory=dict)

    def keep(self, digest: str, pack: Pack, data: bytes) -> None:
        """Store the account of a pack that was imported."""
        epoch, keys = self.inbox.roster.epoch, self.inbox.keys()
        encrypted = encrypt_blob(account_of(pack, data), digest, epoch, keys[epoch])
        self.inbox.records.set_account(digest, encrypted)

    def drop(self, digest: str) -> None:
        """Erase the account of a pack."""
        self.inbox.records.set_account(digest, None)
        self._known.pop(digest, None)

    def content(self, digest: str) -> Content | None:
        """Return what an imported pack holds; None where it is not known."""
        if digest not in self._known:
            account = self._account(digest)
            if account is None:
                return None
            values = json.loads(json.loads(account)["account"])
            task = values["tasks"][0]
            one = task["classes"][0]
            self._known[digest] = Content(
                one["label"], values["key"], f"{task['learned_at']} {one['features']}"
            )
        return self._known[digest]

    def data(self, digest: str) -> bytes | None:
        """Return the bytes of a pack that the store holds; None where it has not all of them."""
        holding, account = held_packs(self.store).get(digest), self._account(digest)
        if holding is None or account is None:
            return None
        with self.store.snapshot():
            return stored_pack(self.store, holding, digest, account)

    def _account(self, digest: str) -> bytes | None:
        encrypted = self.inbox.records.account(digest)
        if encrypted is None:
            return None
        try:
            return decrypt_blob(encrypted, digest, self.inbox.keys())
        except FleetError:
            return None


def content_of(pack: Pack) -> Content:
    """Return what a pack that was just read holds."""
    task = pack.tasks[0]
    lesson = f"{task.learned_at} {sha256(task.features[0].tobytes())}"
    return Content(task.labels[0], pack.key, lesson)
