"""A webhook's receiver that is there, slow, dead and back, that refuses, redirects or is someone else."""

import base64
import hmac
import json
import socket
import ssl
import threading
import time
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from tests.unit.watch.conftest import certificate, free_port
from tests.unit.watch.shelf import SECRET, Shelf

from edge_tosca.errors import EdgeToscaError
from edge_tosca.watch import Receiver, Webhook, delivery, webhook
from edge_tosca.watch.crop_picture import CropPictures
from edge_tosca.watch.receiver import read_secret, signature


@pytest.fixture
def shelf():
    server = Shelf()
    yield server
    server.stop()


@pytest.fixture
def send():
    opened = []

    def begin(url, told=None, secret=SECRET, **options):
        report = (lambda _: None) if told is None else told.append
        sender = Webhook(Receiver.parse(url, secret), report, first_wait=0.05, **options)
        opened.append(sender)
        return sender

    yield begin
    for sender in opened:
        sender.close()


def crop(side=300, level=90):
    return np.full((side, side, 3), level, np.uint8)


def test_changes_arrive_in_order_signed_and_each_with_an_id(shelf, send, change, eventually):
    sender = send(shelf.url.replace("//", "//box:pa%40ss@"))
    for label in ("mug", "pen", "mug"):
        sender.change(change(label))
    eventually(lambda: shelf.labels() == ["mug", "pen", "mug"])
    path, headers, body = shelf.got[0]
    assert path == "/events?key=7"
    assert json.loads(body) == {"id": headers["X-Edge-Tosca-Delivery"], **change("mug").to_json()}
    assert (headers["Content-Type"], headers["User-Agent"].split("/")[0]) == (
        "application/json",
        "edge-tosca",
    )
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"box:pa@ss"
    assert len({one["X-Edge-Tosca-Delivery"] for _, one, _ in shelf.got}) == 3
    eventually(lambda: sender.stats().delivered == 3)


def test_a_signature_is_the_hmac_of_time_and_body():
    found = signature(b"key", "1764540000", b'{"label": "mug"}')
    # printf '1764540000.{"label": "mug"}' | openssl dgst -sha256 -hmac key
    expected = hmac.new(b"key", b'1764540000.{"label": "mug"}', "sha256").hexdigest()
    assert found == f"sha256={expected}"


def test_a_receiver_that_is_dead_gets_what_waited_when_it_is_back(send, change, eventually):
    port, told = free_port(), []
    sender = send(f"http://127.0.0.1:{port}/", told)
    for label in ("mug", "pen"):
        sender.change(change(label))
    eventually(lambda: told)
    assert "cannot be reached" in told[0] and "trying again" in told[0]
    with Shelf(port) as shelf:
        eventually(lambda: shelf.labels() == ["mug", "pen"])
        eventually(lambda: len(told) == 2)
        shelf.shutdown()
    assert told[1].endswith("events are sent again")
    assert sender.stats().dropped == 0


def test_a_receiver_with_a_fault_gets_the_same_event_again(shelf, send, change, eventually):
    shelf.status, told = 503, []
    sender = send(shelf.url, told)
    sender.change(change("mug"))
    eventually(lambda: shelf.refused >= 3)
    shelf.status = None
    eventually(lambda: shelf.labels() == ["mug"])
    assert told[0].endswith("has a fault (HTTP 503); check its log; trying again")


def test_a_slow_receiver_delays_no_change_and_what_is_dropped_is_counted(
    shelf, send, change, eventually, monkeypatch
):
    monkeypatch.setattr(webhook, "MAX_WAITING", 3)
    shelf.wait, told = 0.3, []
    sender = send(shelf.url, told)
    began = time.monotonic()
    for number in range(10):
        sender.change(change(f"thing {number}"))
    assert time.monotonic() - began < 2.0
    eventually(lambda: sender.stats().waiting == 0)
    stats = sender.stats()
    # The first was on its way when it was dropped.
    assert shelf.labels()[-3:] == ["thing 7", "thing 8", "thing 9"]
    assert stats.dropped + stats.delivered == 10 and stats.dropped >= 6
    assert any("events were dropped" in line for line in told)


def test_another_secret_is_refused_once_in_the_log_and_counted(shelf, send, change, eventually):
    told = []
    sender = send(shelf.url, told, secret=b"another secret of 16")
    for label in ("mug", "pen"):
        sender.change(change(label))
    eventually(lambda: sender.stats().dropped == 2)
    assert shelf.got == []
    assert len(told) == 1
    assert "HTTP 401" in told[0] and "check the secret" in told[0]


def test_a_redirect_is_not_followed(shelf, send, change, eventually):
    with Shelf() as elsewhere:
        shelf.status, shelf.headers, told = 307, {"Location": elsewhere.url}, []
        sender = send(shelf.url, told)
        sender.change(change("mug"))
        eventually(lambda: sender.stats().dropped == 1)
        eventually(lambda: told)
        assert "is not followed" in told[0]
        assert elsewhere.got == [] and elsewhere.refused == 0
        elsewhere.shutdown()


def test_a_certificate_that_nobody_vouches_for_gets_nothing(tmp_path, send, change, eventually, monkeypatch):
    server, told = Shelf(), []
    certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    url = server.url.replace("http:", "https:")
    sender = send(url, told)
    sender.change(change("mug"))
    eventually(lambda: told)
    assert "certificate that is not valid" in told[0]
    assert server.got == []
    # OpenSSL's own variable names further authorities.
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    eventually(lambda: server.labels() == ["mug"])
    server.stop()


def test_a_receiver_that_drips_its_answer_is_given_up(send, change, eventually, monkeypatch):
    monkeypatch.setattr(delivery, "LONGEST_SECONDS", 0.5)
    told, ended = [], threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip():
            while not ended.is_set():
                connection, _ = listener.accept()
                with connection:
                    try:
                        for _ in range(200):
                            connection.sendall(b"H")
                            time.sleep(0.05)
                    except OSError:
                        continue

        threading.Thread(target=drip, daemon=True).start()
        sender = send(f"http://127.0.0.1:{listener.getsockname()[1]}/", told)
        sender.change(change("mug"))
        eventually(lambda: told)
        ended.set()
        assert "trying again" in told[0]
        assert sender.stats().waiting == 1


def test_a_picture_comes_along_where_it_is_asked_for_and_not_too_often(shelf, send, change, eventually):
    sender = send(shelf.url, pictures=2)
    for number in range(3):
        sender.change(replace(change(f"thing {number}"), crop=crop(900)))
    eventually(lambda: len(shelf.got) == 3)
    contents = [json.loads(body) for _, _, body in shelf.got]
    assert ["picture" in content for content in contents] == [True, True, False]
    picture = Image.open(BytesIO(base64.b64decode(contents[0]["picture"])))
    assert (picture.format, picture.size) == ("JPEG", (640, 640))
    assert sender.stats().pictures_left_out == 1


def test_without_the_option_no_picture_is_sent(shelf, send, change, eventually):
    sender = send(shelf.url)
    sender.change(replace(change(), crop=crop()))
    eventually(lambda: shelf.got)
    assert "picture" not in json.loads(shelf.got[0][2])


def test_a_picture_that_waited_too_long_or_makes_the_body_too_large_is_left_out(
    shelf, send, change, eventually, monkeypatch
):
    monkeypatch.setattr(webhook, "PICTURE_SECONDS", -1)
    sender = send(shelf.url, pictures=5)
    sender.change(replace(change(), crop=crop()))
    eventually(lambda: len(shelf.got) == 1)
    monkeypatch.undo()
    monkeypatch.setattr(webhook, "MAX_BODY_BYTES", 1000)
    sender.change(replace(change("pen"), crop=crop()))
    eventually(lambda: len(shelf.got) == 2)
    assert not any("picture" in json.loads(body) for _, _, body in shelf.got)
    assert sender.stats().pictures_left_out == 2


def test_a_picture_fits_into_the_body_whatever_it_shows(change):
    noise = np.random.default_rng(0).integers(0, 256, (640, 640, 3), np.uint8)
    picture = CropPictures(1).of(replace(change(), crop=noise), 0.0)
    assert len(picture) < webhook.MAX_BODY_BYTES - 100_000


def test_pictures_are_counted_over_a_minute(change):
    pictures = CropPictures(1)
    made = [pictures.of(replace(change(), crop=crop()), now) is not None for now in (0, 59, 60, 61, 121)]
    assert made == [True, False, True, False, True]


def test_events_that_are_left_at_the_end_are_counted_in_a_line(send, change):
    told = []
    sender = send(f"http://127.0.0.1:{free_port()}/", told)
    sender.change(change())
    sender.close()
    assert any("1 events were not sent" in line for line in told)
    assert sender.stats().dropped == 1


@pytest.mark.parametrize("url", ["mqtt://host/", "ftp://host/", "host/path", "https://", "http:///path"])
def test_what_is_no_address_of_a_receiver_is_refused(url):
    with pytest.raises(EdgeToscaError, match="--webhook"):
        Receiver.parse(url, SECRET)


def test_nothing_secret_is_in_the_name_of_a_receiver():
    receiver = Receiver.parse("https://user:hidden@host:8443/hook?token=hidden", SECRET)
    assert (receiver.port, receiver.tls, receiver.target) == (8443, True, "/hook?token=hidden")
    assert "hidden" not in receiver.name + repr(receiver)


def test_a_secret_is_read_from_a_file_that_only_its_user_can_read(tmp_path):
    file = tmp_path / "secret"
    file.write_bytes(SECRET + b"\n")
    file.chmod(0o644)
    with pytest.raises(EdgeToscaError, match="chmod 600"):
        read_secret(file)
    file.chmod(0o600)
    assert read_secret(file) == SECRET
    file.write_bytes(b"short\n")
    with pytest.raises(EdgeToscaError, match="16 to 4096 characters"):
        read_secret(file)
    with pytest.raises(EdgeToscaError, match="cannot be read"):
        read_secret(tmp_path / "none")


def test_a_service_gives_the_secret_as_a_credential(tmp_path, monkeypatch):
    from edge_tosca.cli.event_options import SECRET_CREDENTIAL, _credential

    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    assert _credential() is None
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert _credential() is None
    (tmp_path / SECRET_CREDENTIAL).write_bytes(SECRET)
    (tmp_path / SECRET_CREDENTIAL).chmod(0o440)
    assert read_secret(_credential()) == SECRET
