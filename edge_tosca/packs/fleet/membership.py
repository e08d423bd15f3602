"""A box's membership in a fleet: an invitation from the administrator, and the files beside the store."""

import base64
import json
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from edge_tosca.errors import FleetError
from edge_tosca.packs.fleet.messages import verified
from edge_tosca.packs.fleet.roster import read_roster
from edge_tosca.packs.fleet.topics import MAX_LARGE, is_digest, is_name
from edge_tosca.packs.keys import SigningKey, write_new
from edge_tosca.store.location import real_path
from edge_tosca.system.files import IrregularFileError, is_exposed, open_regular, write_atomically

FORMAT = 1
SHARE_NOTHING = ""


@dataclass(frozen=True)
class Membership:
    """What a box knows of its fleet and keeps to itself.

    Attributes:
        fleet: name of the fleet.
        box: name of this box.
        administrator: public key of the administrator in hex.
        broker: address of the MQTT broker; may have a password.
        objects: address of the S3 store; "" for none.
        private: the box's private key for signatures, PEM.
        exchange: the box's private key for the fleet key, 32 bytes in hex.
        share: group to which the box offers what it is taught; SHARE_NOTHING to offer nothing of itself.
        roster: the list of members, as the administrator signed it when the box was invited.
    """

    fleet: str
    box: str
    administrator: str
    broker: str = field(repr=False)
    objects: str = field(repr=False)
    private: str = field(repr=False)
    exchange: str = field(repr=False)
    share: str
    roster: bytes = field(repr=False)

    def key(self) -> SigningKey:
        """Return the box's key for signatures."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        key = load_pem_private_key(self.private.encode(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise FleetError(f"the key of box {self.box} is damaged; join the fleet again")
        return SigningKey(key)

    @property
    def exchange_key(self) -> bytes:
        """The box's private key for the fleet key."""
        return bytes.fromhex(self.exchange)

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON can hold them, secrets included."""
        return {**asdict(self), "roster": base64.b64encode(self.roster).decode(), "format": FORMAT}


def folder_of(store: Path) -> Path:
    """Return the folder beside a store that holds its membership."""
    return Path(f"{real_path(store)}.fleet")


def is_member(store: Path) -> bool:
    """Return whether the box of a store belongs to a fleet."""
    return (folder_of(store) / "member.json").is_file()


def load_membership(store: Path) -> Membership:
    """Read the membership of a store's box.

    Args:
        store: path of the store.

    Returns:
        The membership.

    Raises:
        FleetError: the box belongs to no fleet, or the file is damaged or can be read by other users.
    """
    path = folder_of(store) / "member.json"
    if not path.is_file():
        raise FleetError(
            f"{store} belongs to no fleet; join one with: edge-tosca fleet join {store} INVITATION"
        )
    return _membership(read_secret_json(path), path)


def save_membership(store: Path, membership: Membership) -> None:
    """Write the membership of a store's box, for its user alone.

    Args:
        store: path of the store.
        membership: what to write.

    Raises:
        FleetError: it cannot be written.
    """
    folder = folder_of(store)
    data = json.dumps(membership.to_json()).encode()
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        write_atomically(folder / "member.json", lambda file: file.write(data))
    except OSError as error:
        raise FleetError(f"{folder} cannot be written ({error.strerror}); make room, or allow it") from None


def write_invitation(path: Path, membership: Membership, expires: datetime) -> None:
    """Write an invitation: a file for one box, which holds its keys.

    Args:
        path: of the file, which does not exist yet; readable by its user alone.
        membership: of the box.
        expires: when it can no longer be used.

    Raises:
        PackError: it exists, or cannot be written.
    """
    values = {**membership.to_json(), "expires": expires.astimezone(UTC).isoformat(timespec="seconds")}
    write_new(path, json.dumps(values).encode(), 0o600)


def read_invitation(path: Path, now: datetime) -> Membership:
    """Read an invitation.

    Args:
        path: of the file.
        now: the time, with a zone.

    Returns:
        The membership.

    Raises:
        FleetError: it is none, has expired, or can be read by other users.
    """
    values = read_secret_json(path)
    membership = _membership(values, path)
    try:
        expires = datetime.fromisoformat(values["expires"])
    except (LookupError, TypeError, ValueError):
        raise FleetError(f"{path} is no invitation; ask the administrator for one") from None
    if now > expires:
        raise FleetError(
            f"{path} expired on {expires:%Y-%m-%d at %H:%M} UTC; ask the administrator for a new invitation"
        )
    return membership


def with_changes(membership: Membership, *, share: str | None = None, broker: str = "") -> Membership:
    """Return a membership with other values.

    Args:
        membership: as it was.
        share: group to which the box offers what it is taught; None to leave it.
        broker: address of the broker; "" to leave it.
    """
    return replace(
        membership,
        share=membership.share if share is None else share,
        broker=broker or membership.broker,
    )


def set_share(store: Path, share: str) -> None:
    """Set to which group a box offers what it is taught; a follower of the box takes it up at once.

    Args:
        store: path of the store.
        share: the group; SHARE_NOTHING for none.

    Raises:
        FleetError: the box belongs to no fleet, or the file cannot be written.
    """
    save_membership(store, with_changes(load_membership(store), share=share))


def read_secret_json(path: Path) -> dict[str, Any]:
    """Read a JSON object from a file that only its user may read.

    Args:
        path: of the file.

    Returns:
        The values.

    Raises:
        FleetError: it is missing, other users can read it, or it is no JSON object.
    """
    try:
        with open_regular(path, 2 * MAX_LARGE) as file:
            if is_exposed(path, path.stat()):
                raise FleetError(
                    f"{path} holds keys, and other users can read it; keep it to yourself with: "
                    f"chmod 600 {path}"
                )
            values = json.loads(file.read())
    except (OSError, IrregularFileError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise FleetError(f"{path} cannot be read ({reason}); name another file, or allow it") from None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise FleetError(f"{path} is damaged, or no file of a fleet; get it again")
    return values


def _membership(values: dict[str, Any], path: Path) -> Membership:
    try:
        texts = {
            name: values[name]
            for name in ("fleet", "box", "administrator", "broker", "objects", "private", "exchange", "share")
        }
        roster = base64.b64decode(values["roster"])
        version = values["format"]
    except (LookupError, TypeError, ValueError):
        raise FleetError(f"{path} is damaged, or no file of a fleet; get it again") from None
    if isinstance(version, int) and version > FORMAT:
        raise FleetError(f"{path} has format {version}, this program reads {FORMAT}; update edge-tosca")
    named = is_name(texts["fleet"]) and is_name(texts["box"]) and is_digest(texts["administrator"])
    if (
        not all(isinstance(text, str) for text in texts.values())
        or not named
        or not is_digest(texts["exchange"])
    ):
        raise FleetError(f"{path} is damaged, or no file of a fleet; get it again")
    read_roster(verified(roster, texts["fleet"]), texts["administrator"])
    return Membership(**texts, roster=roster)
