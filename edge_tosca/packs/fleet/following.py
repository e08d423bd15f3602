"""Follow a fleet from a program: connect, take in what was erased first, and go on."""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from edge_tosca.packs.fleet.box import Box
from edge_tosca.packs.fleet.broker_address import BrokerAddress
from edge_tosca.packs.fleet.hello import last_will
from edge_tosca.packs.fleet.membership import folder_of, load_membership, with_changes
from edge_tosca.packs.fleet.mqtt import MqttTransport
from edge_tosca.packs.fleet.objects import S3Objects
from edge_tosca.packs.fleet.records import Records
from edge_tosca.store.store import Store


@contextlib.contextmanager
def connected_box(
    store: Store, key_file: Path | None = None, log: Callable[[str], None] = lambda line: None
) -> Iterator[Box]:
    """Connect the box of a store to its fleet.

    Args:
        store: of the box.
        key_file: with the store's key.
        log: called with lines about what is done.

    Yields:
        The box; the connection is made in its steps.

    Raises:
        FleetError: the store belongs to no fleet, or an address cannot be used.
        MissingExtraError: a package is missing.
    """
    membership = load_membership(store.path)
    address = BrokerAddress.parse(membership.broker)
    wills = Records(folder_of(store.path) / "records.db", membership.fleet)
    transport = MqttTransport(address, lambda: last_will(store, membership, wills), log)
    objects = S3Objects(membership.objects) if membership.objects else None
    box = Box(store, membership, transport, objects=objects, key_file=key_file, log=log)
    try:
        yield box
    finally:
        box.close()
        wills.close()


def take_up_share(box: Box) -> None:
    """Take up to which group a box offers its lessons, if a user changed that since.

    Args:
        box: that is connected.
    """
    share = load_membership(box.store.path).share
    if share != box.membership.share:
        box.membership = with_changes(box.membership, share=share)
        box.look_again()


def await_erasures(box: Box, seconds: float | None, step: Callable[[], object] = lambda: None) -> bool:
    """Ask the broker for what was erased, before a box answers.

    Args:
        box: that was just connected.
        seconds: to wait at most; None to wait until the broker has answered.
        step: called again and again meanwhile.

    Returns:
        Whether the broker has sent what it retains, and the box has erased what was deleted.
    """
    end = None if seconds is None else time.monotonic() + seconds
    while not box.settled and (end is None or time.monotonic() < end):
        box.step(0.2)
        step()
    return box.settled


def catch_up(box: Box, seconds: float) -> bool:
    """Follow until the box holds what the fleet wants, as far as it can be had.

    Args:
        box: that is connected.
        seconds: to wait at most.

    Returns:
        Whether it holds all of it.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        changed = box.step(0.2)
        if box.settled and not box.fetching and not changed:
            return True
    return False
