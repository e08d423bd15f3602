"""Addresses are read as people write them, and printed without what may be secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_tosca.addresses import Address, redacted, without_addresses

PASSWORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("text", "user", "password", "host", "port", "rest"),
    [
        ("rtsp://camera/live", None, None, "camera", None, "/live"),
        ("rtsp://me:pw@camera:554/live?x=1#y", "me", "pw", "camera", 554, "/live?x=1#y"),
        ("RTSP://Me:Pw@Camera", "Me", "Pw", "camera", None, ""),
        ("rtsp://me@camera:/", "me", None, "camera", None, "/"),
        ("rtsp://:pw@[fe80::1]:554/live", "", "pw", "fe80::1", 554, "/live"),
        ("rtsp://me:p%40s%2Fs@camera/live", "me", "p@s/s", "camera", None, "/live"),
        # As people write them.
        ("rtsp://me:p@ss@camera/live", "me", "p@ss", "camera", None, "/live"),
        ("rtsp://me@corp.example:pw@camera/live", "me@corp.example", "pw", "camera", None, "/live"),
        ("rtsp://me:50%off@camera/live", "me", "50%off", "camera", None, "/live"),
        ("rtsp://me:a b\u00e4@camera/live", "me", "a b\u00e4", "camera", None, "/live"),
        ("rtsp://me:12/Secret@10.0.0.5:9/live", "me", "12/Secret", "10.0.0.5", 9, "/live"),
        ("rtsp://me:4711#x@10.0.0.5:9/live", "me", "4711#x", "10.0.0.5", 9, "/live"),
        ("rtsp://me:what?@camera/live", "me", "what?", "camera", None, "/live"),
        ("rtsp://me:?#/@camera/live", "me", "?#/", "camera", None, "/live"),
        ("rtsp://me:p@ss/word@10.0.0.5/live", "me", "p@ss/word", "10.0.0.5", None, "/live"),
        # A later "@" belongs to the path, where what stands before it is an address already.
        ("rtsp://10.0.0.5:554/live@720p", None, None, "10.0.0.5", 554, "/live@720p"),
        ("rtsp://nvr:554/live@720p", None, None, "nvr", 554, "/live@720p"),
        ("rtsp://me:pw@nvr/live@720p", "me", "pw", "nvr", None, "/live@720p"),
        ("mqtt://broker/hall@1", None, None, "broker", None, "/hall@1"),
        ("rtsp://camera/user=me&password=a@b", None, None, "camera", None, "/user=me&password=a@b"),
    ],
)
def test_an_address_is_read_as_it_was_meant(text, user, password, host, port, rest):
    found = Address.parse(text)
    assert (found.user, found.password, found.host, found.port, found.rest) == (
        user,
        password,
        host,
        port,
        rest,
    )
    again = Address.parse(found.url())
    assert (again.user, again.password, again.host, again.rest) == (user, password, host, rest)


def test_an_address_that_is_shown_for_debugging_hides_what_is_secret():
    assert repr(Address.parse("rtsp://admin:Secret99@camera/token")) == (
        "Address(scheme='rtsp', host='camera', port=None, unusual=False)"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("camera", "cannot be read"),
        ("rtsp:/camera/live", "cannot be read"),
        ("rtsp://", "names no host"),
        ("rtsp:///live", "names no host"),
        ("rtsp://me:pw@[bad/live", "cannot be read"),
        ("rtsp://me:pw@camera:99999/", "cannot be read"),
        ("rtsp://camera:port/", "cannot be read"),
        ("rtsp://me:pw@a..b/", "cannot be read"),
        ("rtsp://me:pw@camera/a\r\nDESCRIBE", "cannot be read"),
    ],
)
def test_what_is_no_address_is_refused_without_being_quoted(text, reason):
    with pytest.raises(ValueError, match=reason) as caught:
        Address.parse(text)
    assert "pw" not in str(caught.value)


@given(PASSWORDS)
def test_a_percent_encoded_address_holds_the_password_exactly(password):
    address = Address("rtsp", "camera.example", 554, "/live", "me", password, unusual=False)
    again = Address.parse(address.url())
    assert (again.user, again.password, again.host, again.rest) == (
        "me",
        password,
        "camera.example",
        "/live",
    )
    assert redacted(address.url()) == "rtsp://camera.example:554/..."


@given(PASSWORDS, st.sampled_from(["/live?token={}", "/{}/live", "/user=me&password={}&channel=1", "#{}"]))
def test_nothing_of_a_password_or_token_is_printed(password, rest):
    for text in (
        f"rtsp://me:{password}@camera.example{rest.format('x')}",
        f"rtsp://me:{password}@camera.example{rest.format(password)}",
        f"rtsp:/me:{password}@camera.example/live",
    ):
        assert redacted(text) in {"rtsp://camera.example/...", "rtsp://..."}
    # Without an "@" in it, what follows the host is never taken for another host.
    if "@" not in password:
        assert redacted(f"rtsp://camera.example{rest.format(password)}") in {
            "rtsp://camera.example/...",
            "rtsp://camera.example",
        }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("rtsp://camera:554/live", "rtsp://camera:554/..."),
        ("rtsp://camera", "rtsp://camera"),
        ("rtsp://camera/user=a@b", "rtsp://..."),
        ("rtsp:///Secret99", "rtsp://..."),
        ("rtsp//me:Secret99@camera/live", "..."),
        ("me:Secret99@camera/live", "camera/..."),
        ("//me:Secret99@camera/live", "camera/..."),
        ("me:Secret99@camera\x1b[31m", "..."),
        ("camera/user=me&password=Secret99", "camera/..."),
        ("rtsp://me:Secret99", "rtsp://..."),
        ("/data/a@b/in", "/data/a@b/in"),
        ("frames@2x.mjpeg", "frames@2x.mjpeg"),
        ("frames.mjpeg?fps=15&loop=1", "frames.mjpeg?fps=15&loop=1"),
        ("/dev/video0", "/dev/video0"),
        ("a\nb", "a\\nb"),
        ("", ""),
    ],
)
def test_what_is_printed_of_an_address(text, shown):
    assert redacted(text) == shown


def test_words_of_a_command_line_are_redacted_in_a_message_however_it_spells_them():
    words = ["watch", "shop.tosca", "rtsp://me:Se'cret@camera/live", "--camara=rtsp://me:other@camera"]
    message = (
        "extra arguments: \"rtsp://me:Se'cret@camera/live\", rtsp:/me:Se'cret@camera/live, "
        "rtsp://me:other@camera; shop.tosca"
    )
    assert without_addresses(message, words) == (
        'extra arguments: "rtsp://camera/...", rtsp://camera/..., rtsp://camera; shop.tosca'
    )
