"""How much may be asked of the console, how fast and by how many; each test can fail by itself."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from io import BytesIO

import httpx
import pytest
from PIL import Image
from tests.end_to_end.console.raw_http import raw

from edge_tosca.console.app import create_app
from edge_tosca.console.http.limits import REQUESTS, Rates
from edge_tosca.console.options import Options


def test_an_upload_that_says_it_is_too_large_is_refused_before_it_is_read(open_box):
    head = (
        f"POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1:{open_box.port}\r\n"
        f"Content-Type: image/jpeg\r\nContent-Length: {17 << 20}\r\n\r\n"
    )
    assert raw(open_box, head.encode()).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("path", ["/api/v1/predict", "/api/v1/rollback", "/api/v1/burst"])
def test_an_upload_that_does_not_say_its_size_is_refused_while_it_is_read(open_box, path):
    kinds = {"/api/v1/rollback": "application/json", "/api/v1/burst": "multipart/form-data; boundary=b"}
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{open_box.port}\r\nTransfer-Encoding: chunked\r\n"
        f"Content-Type: {kinds.get(path, 'image/jpeg')}\r\n\r\n"
    )
    part = b"100000\r\n" + b"x" * (1 << 20) + b"\r\n"
    first = b'--b\r\nContent-Disposition: form-data; name="pictures"; filename="a"\r\n\r\n'
    with socket.create_connection(("127.0.0.1", open_box.port), 30) as connection:
        connection.sendall(head.encode())
        if path.endswith("burst"):
            connection.sendall(f"{len(first):x}\r\n".encode() + first + b"\r\n")
        sent = 0
        said = b""
        try:
            while sent < 200:
                connection.sendall(part)
                sent += 1
        except OSError:
            pass
        try:
            while more := connection.recv(4096):
                said += more
        except OSError:
            pass
    assert sent < 100
    # A server that closes with bytes unread may reset the connection before its answer is read.
    assert said == b"" or said.startswith(b"HTTP/1.1 413")
    assert open_box.ask("GET", "/classes").status_code == 200


def test_too_many_views_or_other_fields_in_a_burst_are_refused(open_box, photo):
    many = [("pictures", (f"{n}.jpg", photo, "image/jpeg")) for n in range(33)]
    assert open_box.ask("POST", "/burst", files=many).status_code == 422
    assert open_box.ask("POST", "/burst", files=[("other", ("a.jpg", photo))]).status_code == 422
    assert open_box.ask("POST", "/burst", files=many[:3]).json()["label"] == "apple"


def test_a_burst_that_is_refused_says_which_of_its_pictures_is_at_fault(open_box, photo):
    for content, status, told in (
        (b"no jpg", 415, "picture 2 of 3: 6 bytes: not a picture"),
        (b"", 422, "picture 2 of 3 is empty"),
    ):
        views = [("pictures", ("a.jpg", view, "image/jpeg")) for view in (photo, content, photo)]
        refused = open_box.ask("POST", "/burst", files=views)
        assert (refused.status_code, refused.json()["error"][: len(told)]) == (status, told)


def test_a_picture_that_would_fill_the_memory_is_refused_by_its_header(open_box):
    bomb = BytesIO()
    Image.new("1", (30_000, 30_000)).save(bomb, "PNG")
    long = BytesIO()
    Image.new("L", (60_000, 20)).save(long, "PNG")
    assert len(bomb.getvalue()) < 2 << 20
    for content in (bomb.getvalue(), long.getvalue()):
        for path in ("/predict", "/queue?label=bomb", "/live/frame?client=a"):
            answer = open_box.ask("POST", path, content=content, headers={"Content-Type": "image/png"})
            assert answer.status_code == 415, answer.text


def test_a_client_that_asks_too_often_is_told_to_wait_and_others_are_answered(store, in_own_loop):
    app = create_app(Options(store), Rates(clock=lambda: 0.0))

    async def ask(address, times):
        through = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=through, base_url="http://127.0.0.1/api/v1") as client:
            return [await client.get("/session") for _ in range(times)]

    most = int(REQUESTS.burst)
    answers = in_own_loop(ask("192.0.2.1", most + 1))
    assert [answer.status_code for answer in answers] == [200] * most + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert in_own_loop(ask("192.0.2.2", 1))[0].status_code == 200


def test_more_questions_than_can_be_answered_are_refused_and_not_piled_up(open_box, photo, in_own_loop):
    async def flood():
        async with httpx.AsyncClient(timeout=60) as client:
            asked = (
                client.post(f"{open_box.api}/predict", content=photo, headers={"Content-Type": "image/jpeg"})
                for _ in range(40)
            )
            return [answer.status_code for answer in await asyncio.gather(*asked)]

    answered = in_own_loop(flood())
    assert set(answered) == {200, 429}


def test_a_request_head_that_never_ends_loses_its_connection(open_box):
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", open_box.port), 60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")

        def drip():
            while True:
                try:
                    connection.sendall(b"X-A: b\r\n")
                except OSError:
                    return
                time.sleep(0.5)

        threading.Thread(target=drip, daemon=True).start()
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(100) == b""
    assert time.monotonic() - began < 50


def test_a_body_that_never_comes_is_given_up(open_box):
    head = (
        f"POST /api/v1/predict HTTP/1.1\r\nHost: 127.0.0.1:{open_box.port}\r\n"
        "Content-Type: image/jpeg\r\nContent-Length: 1000\r\n\r\nabc"
    )
    said = raw(open_box, head.encode(), timeout=60)
    assert said.startswith(b"HTTP/1.1 408")
    assert json.loads(said.partition(b"\r\n\r\n")[2])["error"]


def test_the_number_of_live_views_is_bounded(open_box, eventually):
    opened = []
    try:
        for _ in range(8):
            connection = socket.create_connection(("127.0.0.1", open_box.port), 20)
            opened.append(connection)
            host = f"Host: 127.0.0.1:{open_box.port}"
            connection.sendall(f"GET /api/v1/live/events HTTP/1.1\r\n{host}\r\n\r\n".encode())
            assert connection.recv(64).startswith(b"HTTP/1.1 200")
        assert open_box.ask("GET", "/live/events").status_code == 429
    finally:
        for connection in opened:
            connection.close()
    # Whoever goes makes room.
    eventually(lambda: "edge_tosca_streams 0.0" in httpx.get(f"{open_box.url}metrics").text)


def test_the_number_of_connections_of_a_client_is_bounded(open_box):
    opened = [socket.create_connection(("127.0.0.1", open_box.port), 20) for _ in range(60)]
    try:
        opened[-1].settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert opened[-1].recv(1) == b""
    finally:
        for connection in opened:
            connection.close()


def test_what_is_no_http_is_refused_in_the_words_of_the_api(open_box):
    said = raw(open_box, b"\x16\x03\x01 hello\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400")
    assert b"nosniff" in said
    assert json.loads(said.partition(b"\r\n\r\n")[2])["error"]
