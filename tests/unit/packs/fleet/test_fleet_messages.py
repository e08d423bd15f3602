"""Topics, signed messages, the list of members, and encryption."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_tosca.errors import FleetError
from edge_tosca.packs import SigningKey, make_key
from edge_tosca.packs.fleet.converge import Offer, read_offer
from edge_tosca.packs.fleet.encryption import (
    decrypt_blob,
    encrypt_blob,
    exchange_public,
    new_key,
    unwrap_key,
    wrap_key,
)
from edge_tosca.packs.fleet.messages import signed, verified
from edge_tosca.packs.fleet.roster import Member, Roster, read_roster
from edge_tosca.packs.fleet.topics import Topic, Topics, checked_name

TOPICS = Topics("shop")
DIGEST = "ab" * 32


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name in ("admin", "teacher"):
        make_key(folder / name)
    return {name: SigningKey.load(folder / name) for name in ("admin", "teacher")}


@pytest.fixture(scope="module")
def offer(keys):
    content = Offer("till", DIGEST, "", 0, "0f" * 32, 10).content()
    return signed("offer", "shop", 7, content, keys["teacher"])


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        (TOPICS.roster(), Topic("roster")),
        (TOPICS.hello("box-1"), Topic("hello", box="box-1")),
        (TOPICS.have("box-1"), Topic("have", box="box-1")),
        (TOPICS.blob(DIGEST), Topic("blob", digest=DIGEST)),
        (TOPICS.add("till", DIGEST), Topic("add", group="till", digest=DIGEST)),
        (TOPICS.tombstone("till", DIGEST), Topic("del", group="till", digest=DIGEST)),
        (TOPICS.command("box-1", 3), Topic("command", box="box-1", number=3)),
    ],
)
def test_a_topic_says_what_it_was_made_of(name, topic):
    assert name.startswith("edge-tosca/shop/v1/")
    assert TOPICS.parse(name) == topic


@pytest.mark.parametrize(
    "name",
    [
        "edge-tosca/shop/v2/roster",
        "edge-tosca/shop/v1/blob/AB",
        "edge-tosca/shop/v1/set/till/add/" + "AB" * 32,
        "edge-tosca/shop/v1/set/../add/" + DIGEST,
        "edge-tosca/shop/v1/cmd/box/0",
        "edge-tosca/shop/v1/cmd/box/1/2",
        "edge-tosca/yard/v1/roster",
    ],
)
def test_another_name_is_no_topic(name):
    assert TOPICS.parse(name) is None


@given(st.text())
def test_no_name_breaks_the_reader(name):
    TOPICS.parse(f"edge-tosca/shop/v1/{name}")


@pytest.mark.parametrize("name", ["", "a/b", "+", "#", "-a", "x" * 65, "ä"])
def test_a_name_that_cannot_be_part_of_a_topic_is_refused(name):
    with pytest.raises(FleetError, match="cannot name"):
        checked_name(name)


def test_a_message_is_read_as_it_was_signed(offer, keys):
    message = verified(offer.data, "shop")
    assert message == offer
    assert read_offer(message) == Offer("till", DIGEST, keys["teacher"].public, 7, "0f" * 32, 10)


def test_every_changed_byte_is_noticed(offer):
    for place in range(len(offer.data)):
        changed = bytearray(offer.data)
        changed[place] ^= 1
        with pytest.raises(FleetError):
            verified(bytes(changed), "shop")


def test_a_message_of_another_fleet_or_spelling_is_refused(offer):
    with pytest.raises(FleetError, match="another fleet"):
        verified(offer.data, "yard")
    with pytest.raises(FleetError, match="spelt"):
        verified(json.dumps(json.loads(offer.data)).encode(), "shop")


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader_of_messages(data):
    with pytest.raises(FleetError):
        verified(data, "shop")


def test_the_list_of_members_is_the_administrators_alone(keys):
    admin, teacher = keys["admin"], keys["teacher"]
    members = (Member("box", teacher.public, "1" * 64, ("teacher",), ("till",), 1),)
    roster = Roster(4, members, 2, {teacher.public: "ff"}, "signer")
    message = signed("roster", "shop", 4, roster.content(), admin)
    assert read_roster(verified(message.data, "shop"), admin.public) == roster
    with pytest.raises(FleetError, match="administrator"):
        read_roster(signed("roster", "shop", 5, roster.content(), teacher), admin.public)


def test_a_blob_is_read_by_its_name_and_key_alone():
    key, other = new_key(), new_key()
    blob = encrypt_blob(b"features", DIGEST, 3, key)
    assert b"features" not in blob
    assert decrypt_blob(blob, DIGEST, {3: key, 4: other}) == b"features"
    for name, keys_of, data, match in (
        ("cd" * 32, {3: key}, blob, "changed"),
        (DIGEST, {3: other}, blob, "changed"),
        (DIGEST, {4: key}, blob, "was not given"),
        (DIGEST, {3: key}, blob[:-1], "changed"),
        (DIGEST, {3: key}, b"etf1", "no encrypted pack"),
    ):
        with pytest.raises(FleetError, match=match):
            decrypt_blob(data, name, keys_of)


def test_the_fleet_key_is_for_one_member():
    fleet, mine, other = new_key(), new_key(), new_key()
    wrapped = wrap_key(fleet, exchange_public(mine))
    assert unwrap_key(wrapped, mine) == fleet
    for text, private in ((wrapped, other), (wrapped[:-2], mine), ("xx", mine)):
        with pytest.raises(FleetError, match="not for this box"):
            unwrap_key(text, private)
