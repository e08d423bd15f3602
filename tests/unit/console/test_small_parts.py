import asyncio
import threading
from pathlib import Path

import pytest

from edge_tosca.console.app_state.broadcast import Broadcast
from edge_tosca.console.app_state.learner_thread import LearnerThread
from edge_tosca.console.app_state.recent_answers import MOST, RecentAnswers
from edge_tosca.console.http.errors import ApiError, api_error_of, without_paths
from edge_tosca.console.http.limits import Rate, Rates
from edge_tosca.console.http.security import is_loopback, known_names
from edge_tosca.console.http.tokens import Sessions
from edge_tosca.console.options import Options
from edge_tosca.errors import LearnError, StoreError

STORE = Path("/var/lib/private/edge-tosca/box.tosca")


def test_errors_name_files_and_no_folder():
    error = api_error_of(StoreError(f"{STORE} has nothing to roll back to"), STORE)
    assert (error.status, error.sentence) == (503, "box.tosca has nothing to roll back to")
    assert api_error_of(LearnError("no class"), STORE).status == 409
    assert without_paths("/home/me/key.pem: cannot be read; see /etc/x/y", STORE) == (
        "key.pem: cannot be read; see y"
    )
    kept = "see https://example.org/a/b and 3/4 of 'a/b'"
    assert without_paths(kept, STORE) == kept
    assert "\n" not in without_paths("two\nlines", STORE)


def test_a_bucket_empties_and_fills_and_each_client_has_its_own():
    now = [0.0]
    rates = Rates(clock=lambda: now[0])
    rate = Rate("asking", each_second=2.0, burst=3.0)
    assert [rates.wait(rate, "a") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert rates.wait(rate, "b") == 0.0
    now[0] = 0.5
    assert rates.wait(rate, "a") == 0.0
    assert rates.wait(rate, "a") > 0.0
    # A client that has a whole network of addresses is one client.
    several = [rates.wait(rate, f"2001:db8::{number}") for number in range(4)]
    assert several[-1] > 0.0


def test_the_table_of_clients_is_bounded():
    rates = Rates(clock=lambda: 0.0)
    for number in range(5000):
        rates.wait(Rate("asking", 1.0, 1.0), f"10.0.{number // 256}.{number % 256}")
    assert len(rates._buckets) <= 1024


def test_recent_answers_are_bounded(seen):
    recent = RecentAnswers()
    picture = seen(1)
    keys = [recent.add(picture) for _ in range(MOST + 1)]
    assert recent.find(keys[0]) is None
    assert recent.find(keys[1]) is picture
    assert len(set(keys)) == len(keys)


def test_a_session_ends_with_its_token_and_with_its_time(monkeypatch, edge_store):
    def console(token):
        return Sessions(token, secure=False, port=80, store=edge_store)

    sessions = console("a" * 20)
    cookie = sessions.begin("a" * 20, sessions.user_of_token("a" * 20)).partition(";")[0]
    assert sessions.admits("", cookie)
    assert console("a" * 20).admits("", cookie)
    assert not console("b" * 20).admits("", cookie)
    assert not sessions.admits("", "")
    assert not sessions.admits("Bearer", "")
    assert sessions.admits("bearer " + "a" * 20, "")
    monkeypatch.setattr("edge_tosca.console.http.tokens.time.time", lambda: 4e9)
    assert not sessions.admits("", cookie)


@pytest.mark.parametrize(
    ("address", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.9.9.9", True), ("0.0.0.0", False),
     ("::", False), ("192.168.0.7", False), ("example.org", False), ("127.0.0.1.evil.example", False)],
)  # fmt: skip
def test_loopback_is_told_from_the_rest(address, loopback):
    assert is_loopback(address) == loopback


def test_a_box_knows_its_own_names_only():
    assert set(known_names(Options(STORE))) == {"localhost", "127.0.0.1", "::1"}
    named = known_names(Options(STORE, address="192.168.0.7", hosts=("box.local",)))
    assert set(named) == {"192.168.0.7", "box.local"}


def test_who_waits_gets_the_newest_value_and_misses_those_between(in_own_loop):
    async def listen():
        news = Broadcast()
        assert await news.newer(0, 0.01) == (0, None)
        waiting = asyncio.create_task(news.newer(0, 30))
        await asyncio.sleep(0)
        for value in range(3):
            await asyncio.to_thread(news.publish, value)
        assert (await waiting)[1] in range(3)
        assert await news.newer(0, 30) == (3, 2)
        assert not news._waiting

    in_own_loop(listen())


def test_work_beyond_what_may_wait_is_refused(edge_store, in_own_loop):
    async def pile_up():
        thread = LearnerThread(edge_store, lambda: None, "test", most_waiting=2)
        hold = threading.Event()
        first = [asyncio.create_task(thread(lambda _: hold.wait(30))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(ApiError) as refused:
            await thread(lambda _: None)
        assert refused.value.status == 429
        hold.set()
        await asyncio.gather(*first)
        assert await thread(lambda _: 7) == 7
        thread.close()

    in_own_loop(pile_up())


@pytest.fixture
def edge_store(tmp_path):
    path = tmp_path / "shop.tosca"
    path.write_bytes(b"")
    return path
