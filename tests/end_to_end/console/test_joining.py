"""Phones join by a one-time code; the console's own certificate; addresses that a phone can open."""

import datetime
import os
import pty
import re
import ssl
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography import x509

from edge_tosca.cli.serve import _address
from edge_tosca.console.app import create_app
from edge_tosca.console.http.join_codes import LIFETIME_SECONDS, JoinCodes
from edge_tosca.console.http.limits import Rates
from edge_tosca.console.http.page_addresses import page_addresses, qr_picture, qr_text
from edge_tosca.console.options import NamedToken, Options, Role
from edge_tosca.console.own_certificate import certificate_path, ensure_certificate, own_names
from edge_tosca.errors import EdgeToscaError
from edge_tosca.system.network import lan_addresses

TOKEN = "an-administrator-token"
VIEWER = NamedToken(Role.VIEW, "kiosk", "a-token-that-may-view")
BOX = "http://192.168.7.7:8600"


def app_of(store, token=TOKEN):
    options = Options(store, address="0.0.0.0", token=token, tokens=(VIEWER,))
    return create_app(options, Rates(clock=lambda: 0.0))


def asked(in_own_loop, app, *requests, client="192.168.7.9", base=BOX, **more):
    async def ask():
        through = httpx.ASGITransport(app, client=(client, 1))
        async with httpx.AsyncClient(transport=through, base_url=base, **more) as visitor:
            return [
                await visitor.request(method, f"/api/v1{path}", json=body) for method, path, body in requests
            ]

    return in_own_loop(ask())


def bearer(secret):
    return {"headers": {"Authorization": f"Bearer {secret}"}}


def code_of(url):
    parts = urlsplit(url)
    assert not parts.query and parts.path == "/"
    way, _, query = parts.fragment.partition("?")
    assert way == "/join"
    return parse_qs(query)["code"][0]


def test_a_code_admits_one_phone_with_the_role_chosen_and_ends_with_the_token(store, in_own_loop, caplog):
    Path(f"{store.resolve()}.sessions").unlink(missing_ok=True)
    app = app_of(store)
    with caplog.at_level("DEBUG"):
        (shown,) = asked(in_own_loop, app, ("POST", "/join", {"role": "teach"}), **bearer(TOKEN))
        assert shown.json()["url"].startswith(f"{BOX}/#/join?code=")
        assert shown.json()["picture"].startswith("data:image/svg+xml")
        assert shown.headers["cache-control"] == "no-store"
        code = code_of(shown.json()["url"])
        first, again, queue, phones = asked(
            in_own_loop,
            app,
            ("POST", "/session/join", {"code": code}),
            ("POST", "/session/join", {"code": code}),
            ("GET", "/queue", None),
            ("GET", "/sessions", None),
        )
    assert first.json() == {
        "needed": True,
        "open": True,
        "name": "phone of administrator",
        "role": "teach",
    }
    assert (again.status_code, queue.status_code, phones.status_code) == (401, 200, 403)
    assert not any(code in f"{record.getMessage()} {record.__dict__}" for record in caplog.records)

    cookie = {"headers": {"Cookie": first.headers["set-cookie"].partition(";")[0]}}
    restarted = app_of(store)
    assert asked(in_own_loop, restarted, ("GET", "/queue", None), **cookie)[0].status_code == 200
    (listed,) = asked(in_own_loop, restarted, ("GET", "/sessions", None), **bearer(TOKEN))
    assert [(one["name"], one["role"]) for one in listed.json()["sessions"]] == [
        ("phone of administrator", "teach")
    ]
    with_new_token = app_of(store, token="another-administrator-token")
    assert asked(in_own_loop, with_new_token, ("GET", "/queue", None), **cookie)[0].status_code == 401


def test_a_role_in_the_file_of_sessions_cannot_be_raised(store, in_own_loop):
    file = Path(f"{store.resolve()}.sessions")
    file.unlink(missing_ok=True)
    app = app_of(store)
    code = app.state.join_codes.make(Role.VIEW, "administrator")
    (joined,) = asked(in_own_loop, app, ("POST", "/session/join", {"code": code}))
    file.write_text(file.read_text().replace('"role": "view"', '"role": "administer"'))
    file.chmod(0o600)
    cookie = {"headers": {"Cookie": joined.headers["set-cookie"].partition(";")[0]}}
    assert asked(in_own_loop, app_of(store), ("GET", "/classes", None), **cookie)[0].status_code == 401


@pytest.mark.parametrize(
    ("client", "base", "role", "status"),
    [
        ("127.0.0.1", "http://localhost:8600", "view", 200),
        ("127.0.0.1", "http://localhost:8600", "teach", 403),
        ("192.168.7.9", BOX, "view", 403),
    ],
)
def test_the_boxs_own_screen_lets_phones_join_with_its_role_at_most(
    store, in_own_loop, client, base, role, status
):
    ask = ("POST", "/join", {"role": role})
    (shown,) = asked(in_own_loop, app_of(store), ask, client=client, base=base, **bearer(VIEWER.secret))
    if status == 200 and not lan_addresses():
        status = 409
    assert shown.status_code == status
    if status == 200:
        assert urlsplit(shown.json()["url"]).hostname == lan_addresses()[0]


def test_a_code_lasts_five_minutes_and_wrong_codes_are_limited(store, in_own_loop):
    now = [0.0]
    codes = JoinCodes(lambda: now[0])
    early, late = codes.make(Role.VIEW, "a"), codes.make(Role.TEACH, "b")
    now[0] = LIFETIME_SECONDS - 1
    assert codes.take(early).role is Role.VIEW
    now[0] = LIFETIME_SECONDS
    assert codes.take(late) is None
    wrong = [("POST", "/session/join", {"code": "wrong"})] * 12
    answers = asked(in_own_loop, app_of(store), *wrong)
    assert [one.status_code for one in answers] == [401] * 10 + [429] * 2


def test_the_certificate_is_kept_renewed_and_names_the_addresses(tmp_path):
    store = tmp_path / "real.tosca"
    store.touch()
    link = tmp_path / "link.tosca"
    link.symlink_to(store)
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    first = ensure_certificate(link, ["box.local", "192.168.7.7", "fd00::7"], now)
    assert first.path == certificate_path(link) == Path(f"{store}.tls")
    assert first.path.stat().st_mode & 0o777 == 0o600
    assert first.names == {"box.local", "192.168.7.7", "fd00::7"}
    later = now + datetime.timedelta(days=300)
    assert ensure_certificate(link, ["192.168.7.7"], later) == first
    moved = ensure_certificate(link, ["192.168.7.8"], later)
    assert moved.names == {"192.168.7.8"}
    assert moved.fingerprint != first.fingerprint
    renewed = ensure_certificate(link, ["192.168.7.8"], moved.until - datetime.timedelta(days=29))
    assert renewed.until > moved.until
    loaded = x509.load_pem_x509_certificate(renewed.path.read_bytes())
    assert (
        renewed.fingerprint.replace(":", "").lower()
        == loaded.fingerprint(loaded.signature_hash_algorithm).hex()
    )
    renewed.path.write_text("damaged")
    assert ensure_certificate(link, ["192.168.7.8"], later).names == {"192.168.7.8"}
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(renewed.path)
    assert set(lan_addresses()) <= set(own_names())


@pytest.mark.parametrize(
    ("listen", "found"),
    [
        ("0.0.0.0", ("0.0.0.0", 8600)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("box.local", ("box.local", 8600)),
        ("::", ("::", 8600)),
        ("fd00::7", ("fd00::7", 8600)),
        ("[::1]:9000", ("::1", 9000)),
        ("[::1]", ("::1", 8600)),
    ],
)
def test_a_host_alone_is_listened_on_at_port_8600(listen, found):
    assert _address(listen) == found


@pytest.mark.parametrize("listen", ["", ":8600", "host:", "host:99999", "host:port", "[::1]:x", "x:y:z"])
def test_what_is_no_address_is_refused(listen):
    with pytest.raises(EdgeToscaError, match="is not HOST:PORT"):
        _address(listen)


def test_addresses_of_all_interfaces_are_those_that_a_phone_can_open(tmp_path):
    every = page_addresses(Options(tmp_path, address="0.0.0.0", tls_auto=True), 8600)
    assert every == [f"https://{one}:8600/" for one in lan_addresses() if ":" not in one]
    assert not any("0.0.0.0" in one or "127.0.0.1" in one for one in every)
    assert page_addresses(Options(tmp_path, address="fd00::7"), 80) == ["http://[fd00::7]:80/"]
    assert page_addresses(Options(tmp_path), 8600) == []
    named = Options(tmp_path, address="192.168.7.7", hosts=("box.local",))
    assert page_addresses(named, 80) == ["http://192.168.7.7:80/", "http://box.local:80/"]
    certified = replace(named, tls_cert=tmp_path)
    assert page_addresses(certified, 443) == ["https://box.local:443/", "https://192.168.7.7:443/"]


def test_the_code_on_the_terminal_and_on_the_page_are_the_address(tmp_path):
    address = "https://192.168.7.7:8600/#/join?code=abc"
    lines = re.sub(r"\x1b\[[0-9;]*m", "", qr_text(address)).splitlines()
    modules = [[mark in "█▀" for mark in line] for line in lines]
    # The finder pattern: seven dark modules at the top left, after a quiet zone of two.
    assert modules[1][2:10] == [True] * 7 + [False]
    assert "svg" in qr_picture(address)


def test_a_terminal_shows_addresses_fingerprint_and_code_and_a_log_shows_no_code(store, serve):
    if not lan_addresses():
        pytest.skip("this machine has no network")
    options = ("--listen", "0.0.0.0:0", "--tls", "auto")
    env = {"EDGE_TOSCA_TOKEN": TOKEN}
    with serve(store, *options, env=env) as served:
        assert urlsplit(served.url).hostname == lan_addresses()[0]
        assert "fingerprint" in served.process.stdout.readline()
        trusted = ssl.create_default_context(cafile=str(certificate_path(store)))
        assert httpx.get(f"{served.api}/health", verify=trusted).json()["status"] == "ok"
        assert served.end() == 0
        assert "Press Enter" not in served.process.stdout.read()
    shown, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_tosca", "serve", str(store), *options, "--join", "view"],
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **env, "PYTHONUTF8": "1"},
    )
    text, end = "", time.monotonic() + 60
    while "for another code" not in text and time.monotonic() < end:
        text += os.read(shown, 65536).decode(errors="replace")
    process.terminate()
    assert process.wait(60) == 0
    assert "█▀▀▀▀▀█" in text and "may view, once" in text
