"""Who may ask the console, and from where; each test can fail by itself."""

import re
import socket
import ssl
import subprocess
import time

import httpx
import pytest
from tests.end_to_end.console.raw_http import raw

TOKEN = "correct-horse-battery-staple"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(scope="module")
def locked_box(serve, store):
    with serve(store, env={"EDGE_TOSCA_TOKEN": TOKEN}) as served:
        yield served


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
    (tmp_path / "token").chmod(0o600)
    assert "at least 16 characters" in edge("serve", store, "--token-file", tmp_path / "token").complaint


def test_a_token_that_others_can_read_is_refused(edge, store, tmp_path):
    path = tmp_path / "token"
    path.write_text(TOKEN)
    path.chmod(0o644)
    assert f"chmod 600 {path}" in edge("serve", store, "--token-file", path).complaint
    assert (
        "can be read by other users" in edge("serve", store, "--token-file", f"teach:anna={path}").complaint
    )


def test_a_made_token_is_for_its_owner_alone_and_overwrites_nothing(edge, store, tmp_path):
    path = tmp_path / "token"
    assert edge("serve", store, "--make-token", path).code == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(path.read_text().strip()) >= 32
    assert "cannot be created" in edge("serve", store, "--make-token", path).complaint


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


def refusal(served, cookie):
    """Ask with a cookie, and again after a pause while wrong guesses come too fast."""
    while (found := served.ask("GET", "/classes", headers={"Cookie": cookie})).status_code == 429:
        time.sleep(0.5)
    return found.status_code


def test_a_session_is_a_cookie_that_scripts_and_other_sites_never_see(locked_box):
    with httpx.Client(base_url=locked_box.api) as page:
        assert page.get("/session").json() == {"needed": True, "open": False, "name": None, "role": None}
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
        assert refusal(locked_box, f"{name}={value}") == 401
        for forged in (value[:-1] + ("0" if value[-1] != "0" else "1"), "9" + value, "1.x.", "", "a.b.c"):
            assert refusal(locked_box, f"{name}={forged}") == 401


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


def test_a_body_that_is_no_json_is_told_in_words(open_box):
    refused = open_box.ask("POST", "/learn", content=b"{", headers={"Content-Type": "application/json"})
    assert refused.status_code == 422
    assert refused.json()["error"].startswith("the body is not JSON (")
    assert "at character 1)" in refused.json()["error"]


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
