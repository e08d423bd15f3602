"""From a fresh `serve` to the first right answer on a phone: how many taps, and how long."""

import json
import secrets
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from served import Served
from stage import photographs, write_video
from technician import PHONE, Technician

TOKEN = "a-token-of-the-first-minutes"
NAME = "mug"
OUTSIDE = {"open the address of the QR code": 1, "accept the certificate": 2, "allow the camera": 1}
"""Taps that the phone itself asks for, which no page can count."""

# Each press of a finger and each letter that reaches the page; Enter clicks a button, too, with detail 0.
_COUNT = """
for (const kind of ['click', 'keydown'])
  addEventListener(kind, (event) => {
    if (!event.isTrusted || (kind === 'click' && event.detail === 0)) return;
    sessionStorage.taps = Number(sessionStorage.taps ?? 0) + 1;
  }, true);
"""


def test_twelve_taps_lead_from_the_code_to_the_first_right_answer(
    serve: Callable[..., Served],
    visit: Callable[..., Technician],
    shared_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    box = serve("--host", "box.example", token=TOKEN)
    video = write_video(tmp_path / "phone.mjpeg", photographs(shared_data, "Orange"))
    who = visit(box, PHONE, video=video, refusals=(401,))
    who.page.add_init_script(_COUNT)
    began = time.monotonic()
    who.page.goto(f"{box.url}/#/join?code={_code(box)}")
    who.page.get_by_role("link", name="Teach the first thing").tap()
    who.page.locator("input[type=text]:focus").wait_for()
    who.page.keyboard.type(NAME)
    who.page.keyboard.press("Enter")
    _hold(who)
    who.page.get_by_role("button", name=f"Teach {NAME}").tap()
    taps = _watch(who, sum(OUTSIDE.values()))
    assert taps == 12
    assert "code" not in who.page.url
    _report(capsys, taps, began)


@pytest.mark.long
def test_the_way_without_the_code_takes_six_times_as_many(
    serve: Callable[..., Served],
    visit: Callable[..., Technician],
    shared_data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    # As long as one of --make-token, of letters that every keyboard types with one key.
    token = secrets.token_hex(16)
    box = serve(token=token)
    video = write_video(tmp_path / "phone.mjpeg", photographs(shared_data, "Orange"))
    who = visit(box, PHONE, video=video, refusals=(401,))
    who.page.add_init_script(_COUNT)
    began = time.monotonic()
    who.page.goto(box.url)
    who.page.locator("#token").tap()
    who.page.keyboard.type(token)
    who.page.keyboard.press("Enter")
    who.page.get_by_role("link", name="Teach", exact=True).tap()
    who.page.get_by_label("What is it called?").tap()
    who.page.keyboard.type(NAME)
    who.page.keyboard.press("Enter")
    _hold(who)
    who.page.get_by_role("link", name="Done").tap()
    who.page.get_by_role("button", name=f"Teach {NAME}").tap()
    typed = len("https://192.168.1.20:8600") + 1
    taps = _watch(who, typed + sum(OUTSIDE.values()) - OUTSIDE["open the address of the QR code"])
    assert taps == 73
    _report(capsys, taps, began)


def _hold(who: Technician) -> None:
    box = who.page.locator(".shutter").bounding_box()
    who.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    who.page.mouse.down()
    who.counted(20)
    who.page.mouse.up()


def _watch(who: Technician, outside: int) -> int:
    """Watch the answer, and give the taps that led there."""
    who.heading("Learned")
    who.page.get_by_role("link", name="Watch it live").tap()
    who.answer_is(NAME)
    return int(who.page.evaluate("() => sessionStorage.taps")) + outside


def _report(capsys: pytest.CaptureFixture[str], taps: int, began: float) -> None:
    seconds = time.monotonic() - began
    with capsys.disabled():
        print(f"\nfirst right answer: {taps} taps, {seconds:.0f} s without the pauses of a person")


def _code(box: Served) -> str:
    """Let a code be shown, as for a device that knows the box by a name of the network."""
    headers = {"Host": f"box.example:{box.port}", "Authorization": f"Bearer {TOKEN}"}
    request = urllib.request.Request(
        f"{box.url}/api/v1/join", b'{"role": "teach"}', {**headers, "Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        url = str(json.load(answer)["url"])
    assert url.startswith(f"http://box.example:{box.port}/#/join?code=")
    return url.partition("code=")[2]
