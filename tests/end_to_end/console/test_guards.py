"""Who may ask the console, from where, and how much; each test can fail by itself."""

import asyncio
import contextlib
import json
import re
import socket
import ssl
import subprocess
import threading
import time
from io import BytesIO

import httpx
import pytest
from PIL import Image

from edge_tosca.console.app import create_app
from edge_tosca.console.limits import REQUESTS, Rates
from edge_tosca.console.options import Options

TOKEN = "correct-horse-battery-staple"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def store(taught, copy_store, tmp_path_factory):
    return copy_store(taught, tmp_path_factory.mktemp("guarded") / "shop.tosca")


@pytest.fixture(scope="module")
def open_box(serve, store):
    with serve(store) as served:
        yield served


@pytest.fixture(scope="module")
def locked_box(serve, store):
    with serve(store, env={"EDGE_TOSCA_TOKEN": TOKEN}) as served:
        yield served


@pytest.fixture(scope="module")
def photo(photos):
    return (photos / "task1" / "apple" / "000.jpg").read_bytes()


def raw(served, request, *, timeout=40.0):
    """What the server says to these bytes until it closes the connection."""
    with socket.create_connection(("127.0.0.1", served.port), timeout) as connection:
        connection.sendall(request)
        said = b""
        while part := connection.recv(65536):
            said += part
    return said


# Addresses and the token


def test_another_address_than_this_machine_needs_a_token(edge, store):
    assert "a token is needed" in edge("serve", store, "--listen", "0.0.0.0:0").complaint
    assert "a token is needed" in edge("serve", store, "--listen", "[::]:0").complaint


def test_it_listens_on_this_machine_alone_unless_told_otherwise(open_box):
    assert open_box.url.startswith("http://127.0.0.1:")
    with pytest.raises(OSError):
        socket.create_connection((_other_address(), open_box.port), 2).close()


def _other_address():
    """An address of this machine that is not loopback's first."""
    return "127.0.0.2"


def test_a_network_address_without_tls_is_served_with_a_printed_warning(serve, store, eventually):
    with serve(store, "--listen", "0.0.0.0:0", env={"EDGE_TOSCA_TOKEN": TOKEN}) as served:
        assert httpx.get(f"http://127.0.0.1:{served.port}/api/v1/classes", headers=BEARER).status_code == 200
        # An address in the Host header cannot be another site's name.
        for host, status in (("192.0.2.7", 200), ("evil.example", 403)):
            asked = {**BEARER, "Host": f"{host}:{served.port}"}
            url = f"http://127.0.0.1:{served.port}/api/v1/classes"
            assert httpx.get(url, headers=asked).status_code == status
        assert served.end() == 0
    assert eventually(lambda: "without TLS" in "".join(served.log))


@pytest.mark.parametrize("weak", ["short", ""])
def test_a_weak_token_is_refused(edge, store, tmp_path, weak):
    (tmp_path / "token").write_text(weak)
    assert "at least 16 characters" in edge("serve", store, "--token-file", tmp_path / "token").complaint


def test_a_made_token_is_for_its_owner_alone_and_overwrites_nothing(edge, store, tmp_path):
    path = tmp_path / "token"
    assert edge("serve", store, "--make-token", path).code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_text().strip()) >= 32
    assert "cannot be made" in edge("serve", store, "--make-token", path).complaint


@pytest.mark.parametrize("path", ["/classes", "/queue", "/openapi.json", "/picture?id=x", "/nothing"])
def test_nothing_of_the_api_answers_without_the_token(locked_box, path):
    assert locked_box.ask("GET", path).status_code == 401
    assert locked_box.ask("GET", path, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert locked_box.ask("GET", path, headers={"Authorization": f"Bearer {TOKEN}x"}).status_code == 401
    assert locked_box.ask("GET", path, headers=BEARER).status_code != 401


def test_metrics_need_the_token_too(locked_box):
    assert httpx.get(f"{locked_box.url}metrics").status_code == 401
    assert "edge_tosca_queue_pictures" in httpx.get(f"{locked_box.url}metrics", headers=BEARER).text


def test_health_without_the_token_tells_only_whether_the_box_is_well(locked_box):
    told = locked_box.ask("GET", "/health").json()
    assert {name for name, value in told.items() if value is not None} == {"status", "version"}
    assert locked_box.ask("GET", "/health", headers=BEARER).json()["generation"] == 2


def test_a_session_is_a_cookie_that_scripts_and_other_sites_never_see(locked_box):
    with httpx.Client(base_url=locked_box.api) as page:
        assert page.get("/session").json() == {"needed": True, "open": False}
        assert page.post("/session", json={"token": "wrong"}).status_code == 401
        began = page.post("/session", json={"token": TOKEN})
        cookie = began.headers["set-cookie"]
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
        assert TOKEN not in cookie
        assert page.get("/classes").status_code == 200
        value = cookie.partition("=")[2].partition(";")[0]
        name = cookie.partition("=")[0]
        assert page.delete("/session").status_code == 200
        # Ended at the server, not only in the browser.
        assert locked_box.ask("GET", "/classes", headers={"Cookie": f"{name}={value}"}).status_code == 401
        for forged in (value[:-1] + ("0" if value[-1] != "0" else "1"), "9" + value, "1.x.", "", "a.b.c"):
            asked = {"Cookie": f"{name}={forged}"}
            assert locked_box.ask("GET", "/classes", headers=asked).status_code == 401


def test_tokens_cannot_be_tried_for_long(serve, store):
    with serve(store, env={"EDGE_TOSCA_TOKEN": TOKEN}) as served:
        tried = [served.ask("POST", "/session", json={"token": f"guess {n}"}).status_code for n in range(14)]
        assert tried[0] == 401
        assert tried[-1] == 429


def test_over_tls_the_cookie_is_secure_and_bound_to_the_host(serve, store, tmp_path):
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
        f"-subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout {key} -out {cert}"
    )
    subprocess.run(make.split(), check=True, capture_output=True)
    options = ("--tls-cert", cert, "--tls-key", key)
    with serve(store, *options, env={"EDGE_TOSCA_TOKEN": TOKEN}) as served:
        trusting = ssl.create_default_context(cafile=str(cert))
        url = f"https://localhost:{served.port}/api/v1"
        began = httpx.post(f"{url}/session", json={"token": TOKEN}, verify=trusting)
        assert began.headers["set-cookie"].startswith("__Host-")
        assert "Secure" in began.headers["set-cookie"]


def test_tls_files_that_cannot_be_used_are_told_in_one_line(edge, store, tmp_path):
    (tmp_path / "no.pem").write_text("nothing")
    pair = ("--tls-cert", tmp_path / "no.pem", "--tls-key", tmp_path / "no.pem")
    assert "cannot be used for TLS" in edge("serve", store, "--listen", "127.0.0.1:0", *pair).complaint
    assert "give --tls-cert and --tls-key" in edge("serve", store, *pair[:2]).complaint


# Other sites and other names


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "", "[::"])
def test_another_name_in_the_host_header_is_refused(open_box, host):
    """A page elsewhere makes its own name lead to 127.0.0.1, to read what the box answers (rebinding)."""
    for path in ("/", "/api/v1/classes", "/api/v1/health"):
        url = f"http://127.0.0.1:{open_box.port}{path}"
        assert httpx.get(url, headers={"Host": host.format(port=open_box.port)}).status_code == 403


def test_a_name_that_was_given_is_answered(serve, store):
    with serve(store, "--host", "box.workshop") as served:
        asked = {"Host": f"box.workshop:{served.port}"}
        assert httpx.get(f"{served.api}/classes", headers=asked).status_code == 200


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_what_another_sites_page_makes_a_browser_send_is_refused(open_box, photo, headers):
    before = open_box.ask("GET", "/classes").json()
    changes = (
        ("POST", "/rollback", {"json": {}}),
        ("POST", "/classes/forget", {"json": {"label": "apple"}}),
        ("PUT", "/settings", {"json": {"keep_pictures": True}}),
        ("DELETE", "/queue", {}),
        ("POST", "/queue?label=x", {"content": photo}),
    )
    for method, path, body in changes:
        assert open_box.ask(method, path, headers=headers, **body).status_code == 403
    assert open_box.ask("GET", "/classes").json() == before


def test_another_sites_page_cannot_show_the_camera_or_a_picture(open_box):
    embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    for path in ("/camera/frame", "/camera/stream", "/picture?id=x", "/live"):
        assert open_box.ask("GET", path, headers=embedded).status_code == 403
    assert open_box.ask("GET", "/live").headers["cross-origin-resource-policy"] == "same-origin"


def test_the_page_itself_may_change_things(open_box):
    own = {"Origin": open_box.url.rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert open_box.ask("DELETE", "/queue", headers=own).status_code == 200


def test_a_form_of_another_site_is_no_json(open_box):
    """Without a preflight a page elsewhere can only send the types of forms."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        headers = {"Content-Type": kind}
        asked = open_box.ask("POST", "/rollback", content=b'{"generation": 1}', headers=headers)
        assert asked.status_code in (415, 422)
    assert open_box.ask("GET", "/history").json()["generation"] == 2


def test_no_other_site_is_allowed_to_read_answers(open_box):
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    for method in ("OPTIONS", "GET"):
        answer = open_box.ask(method, "/classes", headers=asked)
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_there_is_no_websocket(open_box):
    head = (
        f"GET /api/v1/live HTTP/1.1\r\nHost: 127.0.0.1:{open_box.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", open_box.port), 20) as connection:
        connection.sendall(head.encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("path", ["/", "/api/v1/classes", "/api/v1/nothing", "/nothing", "/metrics"])
def test_every_answer_has_the_headers_that_keep_a_page_safe(open_box, path):
    headers = httpx.get(f"{open_box.url.rstrip('/')}{path}").headers
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "http" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "server" not in headers


# Paths and names


@pytest.mark.parametrize(
    "path",
    [
        "/../pyproject.toml",
        "/..%2f..%2fpyproject.toml",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/strings/../../app.py",
        "/strings/..%5c..%5capp.py",
        "//etc/passwd",
        "/etc/passwd%00.js",
        "/static/index.html",
        "/app.py",
    ],
)
def test_no_path_of_a_client_becomes_a_path_of_the_box(open_box, path):
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{open_box.port}\r\nConnection: close\r\n\r\n"
    assert raw(open_box, head.encode()).startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("key", ["../shop.tosca", "/etc/passwd", "..%2f", "\x00", "a" * 64])
def test_no_id_or_name_of_a_client_becomes_a_path_of_the_box(open_box, key):
    for path in ("/picture", "/jobs", "/jobs/events"):
        assert open_box.ask("GET", path, params={"id": key}).status_code == 404
    assert open_box.ask("DELETE", "/queue/picture", params={"id": key}).status_code == 404
    assert open_box.ask("GET", "/classes/thumbnail", params={"label": key}).status_code in (404, 409)


@pytest.mark.parametrize(
    "label", ["a/b", "../../up", "螺丝 钉", "ключ", "<script>", "a=b&c", "..", "'); DROP"]
)
def test_a_class_may_have_any_plain_name(open_box, photo, label):
    queued = open_box.ask(
        "POST",
        "/queue",
        params={"label": label, "force": "true"},
        content=photo,
        headers={"Content-Type": "image/jpeg"},
    )
    assert queued.json()["label"] == label
    labels = [one["label"] for one in open_box.ask("GET", "/queue").json()["classes"]]
    assert label in labels
    assert open_box.ask("DELETE", "/queue", params={"label": label}).json() == {"dropped": 1}


@pytest.mark.parametrize(
    "label", ["", " ", "a\x00b", "line\nbreak", "x" * 201, "x" * 4000, "x" * 4001, "\u2028"]
)
def test_an_unusable_name_is_refused_in_one_sentence(open_box, photo, label):
    for answer in (
        open_box.ask(
            "POST", "/queue", params={"label": label}, content=photo, headers={"Content-Type": "image/jpeg"}
        ),
        open_box.ask("POST", "/classes/rename", json={"label": "apple", "new": label}),
        open_box.ask("POST", "/inbox/move", json={"group": "x", "label": label}),
    ):
        assert answer.status_code in (409, 422)
        assert len(answer.json()["error"]) < 400
        assert "\n" not in answer.json()["error"]


def test_no_error_shows_a_traceback_or_a_folder_of_the_box(open_box, store, photo):
    answers = [
        open_box.ask("POST", "/predict", content=b"no picture", headers={"Content-Type": "image/png"}),
        open_box.ask(
            "POST", "/predict", content=photo, headers={"Content-Type": "image/jpeg"}, params={"coverage": 2}
        ),
        open_box.ask("POST", "/classes/forget", json={"label": "nothing"}),
        open_box.ask("POST", "/rollback", json={"generation": 99}),
        open_box.ask(
            "POST", "/packs/inspect", content=b"none", headers={"Content-Type": "application/octet-stream"}
        ),
        open_box.ask("POST", "/packs/export", json={}),
        open_box.ask("POST", "/learn", content=b"{", headers={"Content-Type": "application/json"}),
        open_box.ask("GET", "/camera/frame"),
    ]
    for answer in answers:
        assert 400 <= answer.status_code < 500
        (said,) = answer.json().values()
        assert not re.search(r"Traceback|/tmp|/home|/root|\.py\b", said), said
        assert str(store.parent) not in said


# Sizes, times and numbers


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
