"""Users with roles, wrong tokens, sign-outs that last, and proxies."""

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from edge_tosca.console.app import create_app
from edge_tosca.console.http.guesses import Refusals
from edge_tosca.console.http.limits import Rates
from edge_tosca.console.http.roles import LEAST, OPEN, least_role
from edge_tosca.console.options import NamedToken, Options, Role

TOKENS = {role: f"{role}-{role}-correct-horse" for role in ("view", "teach", "administer")}
OTHERS = tuple(NamedToken(Role[role.upper()], f"{role}er", secret) for role, secret in TOKENS.items())
ROOT = Path(__file__).parents[3]


def as_(role):
    return {"Authorization": f"Bearer {TOKENS[role]}"}


def app_of(store, **options):
    return create_app(Options(store, tokens=OTHERS, **options), Rates(clock=lambda: 0.0))


def asked(app, *requests, address="127.0.0.1", base="http://127.0.0.1", headers=None):
    async def ask():
        through = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=through, base_url=base, headers=headers) as client:
            return [await client.request(method, path, **more) for method, path, more in requests]

    return ask()


def test_every_route_of_the_api_has_a_least_role_and_the_page_lists_it():
    described = create_app(Options(Path("none.tosca"))).openapi()["paths"]
    routes = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    assert routes - OPEN == set(LEAST) - {"GET /api/v1/openapi.json"}
    table = re.findall(
        r"^\| (view|teach|administer) \| (.+) \|$", (ROOT / "docs/console.md").read_text(), re.MULTILINE
    )
    listed = {
        route if route.endswith("/metrics") else route.replace(" ", " /api/v1", 1): Role[role.upper()]
        for role, cell in table
        for route in re.findall(r"`([A-Z]+ /[\w/.{}]+)`", cell)
    }
    assert listed == LEAST
    assert least_role("GET", "/api/v1/new") is Role.ADMINISTER


@pytest.mark.parametrize(
    ("role", "answered"),
    [
        ("view", ["/classes"]),
        ("teach", ["/classes", "/queue"]),
        ("administer", ["/classes", "/queue", "/sessions"]),
    ],
)
def test_a_role_may_do_what_the_ones_below_it_may_and_no_more(store, in_own_loop, role, answered):
    app = app_of(store)
    paths = ["/classes", "/queue", "/sessions"]
    answers = in_own_loop(asked(app, *[("GET", f"/api/v1{path}", {}) for path in paths], headers=as_(role)))
    assert [path for path, one in zip(paths, answers, strict=True) if one.status_code == 200] == answered
    refused = [one for one in answers if one.status_code != 200]
    assert all(one.status_code == 403 and "this needs the role" in one.json()["error"] for one in refused)


def test_ten_wrong_tokens_a_second_are_answered_and_the_right_one_always(store, in_own_loop):
    app = app_of(store)
    wrong = ("GET", "/api/v1/classes", {"headers": {"Authorization": "Bearer wrong"}})
    typed = ("POST", "/api/v1/session", {"json": {"token": "wrong"}})
    right = ("GET", "/api/v1/classes", {"headers": as_("view")})
    signed = ("POST", "/api/v1/session", {"json": {"token": TOKENS["view"]}})
    answers = in_own_loop(asked(app, *[wrong, typed] * 7, right, signed))
    assert [one.status_code for one in answers] == [401] * 10 + [429] * 4 + [200] * 2
    # A hundred in all, from however many addresses; one that is over its own limit takes none of them.
    more = [in_own_loop(asked(app, *[wrong] * 12, address=f"192.0.2.{number}"))[:12] for number in range(12)]
    assert sum(one.status_code == 401 for some in more for one in some) == 90
    assert in_own_loop(asked(app, right))[0].status_code == 200


def test_refused_requests_are_logged_once_a_minute_for_each_address():
    now = [0.0]
    refusals = Refusals(lambda: now[0])
    assert [refusals.count("a") for _ in range(5)] == [1, None, None, None, None]
    assert refusals.count("b") == 1
    now[0] = 60.0
    assert refusals.count("a") == 5


def test_a_sign_out_and_a_revoked_phone_stay_out_after_a_restart(store, in_own_loop):
    Path(f"{store.resolve()}.sessions").unlink(missing_ok=True)
    app = app_of(store)
    sign_in = ("POST", "/api/v1/session", {"json": {"token": TOKENS["teach"]}})
    cookies = [one.headers["set-cookie"].partition(";")[0] for one in in_own_loop(asked(app, *[sign_in] * 3))]
    look = [("GET", "/api/v1/queue", {"headers": {"Cookie": cookie}}) for cookie in cookies]
    assert [one.status_code for one in in_own_loop(asked(app, *look))] == [200] * 3
    in_own_loop(asked(app, ("DELETE", "/api/v1/session", {"headers": {"Cookie": cookies[0]}})))
    listed = ("GET", "/api/v1/sessions", {"headers": as_("administer")})
    (phones,) = in_own_loop(asked(app, listed))
    first, second = phones.json()["sessions"]
    assert (first["name"], first["role"], first["client"]) == ("teacher", "teach", "127.0.0.1")
    revoke = ("DELETE", f"/api/v1/sessions?id={second['id']}", {"headers": as_("administer")})
    assert [one.status_code for one in in_own_loop(asked(app, revoke, revoke))] == [200, 404]
    again = app_of(store)
    left = [one.status_code for one in in_own_loop(asked(again, *look))]
    assert (left[0], sorted(left[1:])) == (401, [200, 401])
    file = Path(f"{store.resolve()}.sessions")
    assert file.stat().st_mode & 0o777 == 0o600
    assert not any(secret in file.read_text() for secret in (*TOKENS.values(), *cookies))


def test_sessions_lie_beside_the_resolved_store(store, tmp_path, in_own_loop):
    link = tmp_path / "link.tosca"
    link.symlink_to(store)
    sign_in = ("POST", "/api/v1/session", {"json": {"token": TOKENS["teach"]}})
    in_own_loop(asked(app_of(link), sign_in))
    assert not Path(f"{link}.sessions").exists()
    assert len(json.loads(Path(f"{store.resolve()}.sessions").read_text())["sessions"]) >= 1


def test_a_history_names_the_user_and_the_role(serve, edge, taught, copy_store, tmp_path):
    store = copy_store(taught, tmp_path / "shop.tosca")
    made = edge("serve", store, "--make-token", tmp_path / "t", "--role", "teach", "--name", "anna")
    token = (tmp_path / "t").read_text().strip()
    assert made.code == 0 and token not in made.out + made.err
    assert (tmp_path / "t").stat().st_mode & 0o777 == 0o600
    with serve(store, "--token-file", f"teach:anna={tmp_path / 't'}") as served:
        bearer = {"Authorization": f"Bearer {token}"}
        renamed = served.ask(
            "POST", "/classes/rename", json={"label": "apple", "new": "fruit"}, headers=bearer
        )
        assert renamed.status_code == 200, renamed.text
        assert (
            served.ask("POST", "/classes/forget", json={"label": "fruit"}, headers=bearer).status_code == 403
        )
        newest = served.ask("GET", "/history", headers=bearer).json()["generations"][0]
        assert (newest["name"], newest["role"]) == ("anna", "teach")
    with closing(sqlite3.connect(store)) as connection:
        entries = [
            json.loads(entry) for (entry,) in connection.execute("SELECT entry FROM seals ORDER BY number")
        ]
    assert (entries[-1]["by"]["name"], entries[-1]["by"]["role"]) == ("anna", "teach")
    assert not any("name" in entry["by"] for entry in entries[:-1])
    assert edge("verify", store).code == 0


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (["boss:anna={t}"], "no role 'boss'"),
        (["teach:anna={t}", "view:anna={u}"], "two tokens have the name 'anna'"),
        (["teach:anna={t}", "view:ben={t}"], "two users have the same token"),
        (["{t}", "{u}"], "a second token without a name"),
        (["teach:={t}"], "use 1 to 40 letters"),
    ],
)
def test_tokens_that_cannot_be_told_apart_are_refused(edge, store, tmp_path, values, complaint):
    for name in "tu":
        (tmp_path / name).write_text(name * 20)
        (tmp_path / name).chmod(0o600)
    given = [
        part for one in values for part in ("--token-file", one.format(t=tmp_path / "t", u=tmp_path / "u"))
    ]
    assert complaint in edge("serve", store, *given).complaint
    assert "give --make-token FILE" in edge("serve", store, "--role", "view").complaint


def test_forwarded_headers_are_believed_from_a_trusted_proxy_only(store, in_own_loop):
    app = app_of(store, hosts=("box.example",), trusted_proxies=("10.0.0.0/8",), root_path="/box")
    headers = {
        "X-Forwarded-For": "6.6.6.6, 192.0.2.9, 10.0.0.2",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "box.example",
    }
    sign_in = ("POST", "/box/api/v1/session", {"json": {"token": TOKENS["view"]}, "headers": headers})
    (through,) = in_own_loop(asked(app, sign_in, address="10.0.0.1"))
    assert through.headers["set-cookie"].startswith("__Host-") and "Secure" in through.headers["set-cookie"]
    (direct,) = in_own_loop(asked(app, sign_in, address="192.0.2.1"))
    assert "Secure" not in direct.headers["set-cookie"]
    listed = ("GET", "/api/v1/sessions", {"headers": as_("administer")})
    clients = [one["client"] for one in in_own_loop(asked(app, listed))[0].json()["sessions"]]
    assert {"192.0.2.9", "192.0.2.1"} <= set(clients) and "6.6.6.6" not in clients
    # Wrong tokens through the proxy count for the client that sent them.
    wrong = ("GET", "/box/api/v1/classes", {"headers": {**headers, "Authorization": "Bearer wrong"}})
    other = {**headers, "X-Forwarded-For": "192.0.2.77", "Authorization": "Bearer wrong"}
    answers = in_own_loop(
        asked(app, *[wrong] * 11, ("GET", "/box/api/v1/classes", {"headers": other}), address="10.0.0.1")
    )
    assert [one.status_code for one in answers] == [401] * 10 + [429, 401]
    (page,) = in_own_loop(asked(app, ("GET", "/box", {})))
    assert (page.status_code, page.headers["location"]) == (307, "/box/")
