"""The page where things go wrong: no token, no box, no camera, a second press."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from served import Served
from stage import photographs
from technician import PHONE, Technician

pytestmark = pytest.mark.long

_TOKEN = "loopback-needs-none-but-may-have-one-0123456789"


def test_a_box_with_a_token_asks_for_it_and_lets_in_whoever_has_it(
    serve: Callable[..., Served], visit: Callable[..., Technician]
) -> None:
    box = serve(token=_TOKEN)
    who = visit(box, refusals=(401,))
    who.page.goto(f"{box.url}/#/classes")
    who.heading("Sign in")
    who.write("Token", "guessed")
    who.press("Sign in")
    who.sees("This is not the token of this box. Type it again.")
    who.write("Token", _TOKEN)
    who.press("Sign in")
    who.heading("Classes")
    who.page.reload()
    who.heading("Classes")
    who.go("settings").press("Sign out")
    who.heading("Sign in")


def test_a_request_that_is_refused_late_leaves_the_token_that_is_being_written(
    serve: Callable[..., Served], visit: Callable[..., Technician]
) -> None:
    who, late = _signed_out(serve, visit)
    who.write("Token", _TOKEN)
    with who.page.expect_response("**/api/v1/history"):
        late.continue_()
    who.page.evaluate("location.hash = '#/more'")
    who.press("Sign in")
    who.heading("More")


def test_a_request_that_is_refused_after_signing_in_asks_for_no_token(
    serve: Callable[..., Served], visit: Callable[..., Technician]
) -> None:
    who, late = _signed_out(serve, visit)
    who.write("Token", _TOKEN)
    who.press("Sign in")
    who.heading("Classes")
    with who.page.expect_response("**/api/v1/history"):
        late.fulfill(status=401, json={"error": "asked before signing in"})
    who.go("more").heading("More")


def test_who_signs_in_elsewhere_is_let_in_when_the_box_is_back(
    serve: Callable[..., Served], visit: Callable[..., Technician]
) -> None:
    who, late = _signed_out(serve, visit)
    late.continue_()
    # The same browser, so the same cookie.
    elsewhere = who.page.context.new_page()
    elsewhere.goto(f"{who.url}/#/more")
    elsewhere.get_by_label("Token", exact=True).fill(_TOKEN)
    elsewhere.get_by_role("button", name="Sign in").click()
    elsewhere.get_by_role("heading", name="More").wait_for()
    who.page.route("**/api/v1/session", lambda route: route.abort("connectionrefused"))
    who.write("Token", "half of i")
    who.press("Sign in")
    who.sees("The box does not answer.")
    who.page.unroute("**/api/v1/session")
    who.heading("Classes")


def _signed_out(serve: Callable[..., Served], visit: Callable[..., Technician]) -> tuple[Technician, Any]:
    """Open a page that asks for the token, and give it with one of its requests that is still on its way."""
    box = serve(token=_TOKEN)
    who = visit(box, refusals=(401, 0))
    late: list[Any] = []
    # The first one waits, all others go their way.
    who.page.route("**/api/v1/history", lambda route: route.continue_() if late else late.append(route))
    who.page.goto(f"{box.url}/#/classes")
    who.heading("Sign in")
    for _ in range(1000):
        if not late:
            who.page.wait_for_timeout(10)
    return who, late[0]


def test_the_page_says_that_the_box_is_gone_and_goes_on_when_it_is_back(
    serve: Callable[..., Served], visit: Callable[..., Technician], shared_data: Path
) -> None:
    box = serve()
    who = visit(box, refusals=(0,)).go("classes")
    box.stop()
    who.follow("Teach")
    who.sees("The box does not answer. This page goes on by itself when it is back.")
    box.start()
    who.page.locator("#banner").wait_for(state="hidden")
    who.heading("Teach")


def test_a_second_press_teaches_nothing_twice(
    serve: Callable[..., Served], visit: Callable[..., Technician], shared_data: Path
) -> None:
    box = serve()
    box.queue({name: photographs(shared_data, name)[:8] for name in ("Pineapple", "Orange")})
    who = visit(box).go("teach")
    who.button("Teach 2 classes").dblclick()
    who.page.locator(".verdict").wait_for()
    assert len([url for url in who.asked if url.endswith("/api/v1/learn")]) == 1
    assert who.faults == []


def test_a_box_without_a_camera_says_what_to_do(
    serve: Callable[..., Served], visit: Callable[..., Technician]
) -> None:
    box = serve()
    who = visit(box, PHONE).go("live")
    who.sees("Nothing taught yet")
    who.press("Use the camera of the box")
    who.sees("This box has no camera. Use the camera of this phone: press the phone below.")
    who.press("Use the camera of this device")
    who.page.locator("video").wait_for()


def test_the_back_button_leads_back(serve: Callable[..., Served], visit: Callable[..., Technician]) -> None:
    box = serve()
    who = visit(box).go("teach")
    who.write("What is it called?", "Mug")
    who.press("Show it to the camera")
    who.heading("Mug")
    who.page.go_back()
    who.heading("Teach")
    who.follow("Classes")
    who.heading("Classes")
    who.page.go_back()
    who.heading("Teach")


def test_everything_comes_from_the_box_and_the_policy_of_the_page_allows_nothing_else(
    serve: Callable[..., Served], visit: Callable[..., Technician]
) -> None:
    box = serve()
    who = visit(box)
    with who.page.expect_response(f"{box.url}/") as answered:
        who.go("more")
    policy = answered.value.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert len(who.asked) > 20
    assert all(url.startswith(box.url) for url in who.asked)
    away = "fetch('https://192.0.2.1/').then(() => 'let out', () => 'kept in')"
    assert who.page.evaluate(away) == "kept in"
    who.faults = [fault for fault in who.faults if "192.0.2.1" not in fault]
    who.asked = [url for url in who.asked if "192.0.2.1" not in url]
