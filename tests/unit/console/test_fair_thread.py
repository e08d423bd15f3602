"""Work of several clients takes turns, and what no one waits for is not done."""

import asyncio
import threading

import pytest

from edge_tosca.console.app_state.fair_thread import FairThread
from edge_tosca.console.http.errors import ApiError
from edge_tosca.console.http.pixels import PIXELS_OF_A_REQUEST, PixelBudget
from edge_tosca.console.http.requester import Requester, set_requester


async def ask(thread, client, work):
    set_requester(Requester(client))
    return await thread(work)


async def held(thread):
    """Keep a thread busy until the event is set, so that what is asked meanwhile waits."""
    hold, begun = threading.Event(), threading.Event()
    first = asyncio.create_task(ask(thread, "first", lambda: (begun.set(), hold.wait(30))))
    await asyncio.to_thread(begun.wait, 30)
    return hold, first


def test_a_client_with_one_piece_waits_for_one_piece_of_another_and_not_for_all(in_own_loop):
    async def turns():
        thread, order = FairThread("test", most_waiting=8), []
        hold, first = await held(thread)
        many = [asyncio.create_task(ask(thread, "many", lambda n=n: order.append(n))) for n in range(6)]
        await asyncio.sleep(0)
        one = [asyncio.create_task(ask(thread, "one", lambda: order.append("one"))) for _ in range(2)]
        await asyncio.sleep(0)
        hold.set()
        await asyncio.gather(first, *many, *one)
        await asyncio.to_thread(thread.close)
        return order

    assert in_own_loop(turns()) == [0, "one", 1, "one", 2, 3, 4, 5]


def test_what_was_cancelled_before_its_turn_is_not_run_and_makes_room(in_own_loop):
    async def leave():
        thread, order = FairThread("test", most_waiting=2), []
        hold, first = await held(thread)
        gone = [asyncio.create_task(ask(thread, "a", lambda: order.append("gone"))) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(ApiError):
            await ask(thread, "a", lambda: None)
        for one in gone:
            one.cancel()
        await asyncio.gather(*gone, return_exceptions=True)
        kept = asyncio.create_task(ask(thread, "a", lambda: order.append("kept")))
        await asyncio.sleep(0)
        hold.set()
        await asyncio.gather(first, kept)
        await asyncio.to_thread(thread.close)
        return order

    assert in_own_loop(leave()) == ["kept"]


def test_a_stopped_thread_refuses_what_waits_and_does_its_last_piece(in_own_loop):
    async def stop():
        thread, order = FairThread("test", most_waiting=2), []
        hold, first = await held(thread)
        waiting = asyncio.create_task(ask(thread, "a", lambda: order.append("waiting")))
        await asyncio.sleep(0)
        thread.stop()
        with pytest.raises(ApiError) as refused:
            await waiting
        assert refused.value.status == 503
        assert not await asyncio.to_thread(thread.close, 0.01, lambda: order.append("last"))
        hold.set()
        await first
        assert await asyncio.to_thread(thread.close, None, lambda: order.append("last"))
        return order

    assert in_own_loop(stop()) == ["last"]


def test_pixels_are_counted_for_a_request_and_for_a_client():
    budget = PixelBudget()
    with pytest.raises(ApiError) as refused, budget.held(PIXELS_OF_A_REQUEST + 1):
        pass
    assert refused.value.status == 413
    with budget.held(PIXELS_OF_A_REQUEST):
        with pytest.raises(ApiError) as refused, budget.held(PIXELS_OF_A_REQUEST):
            pass
        assert refused.value.status == 429
    with budget.held(PIXELS_OF_A_REQUEST):
        pass
