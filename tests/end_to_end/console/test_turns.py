"""A burst leaves turns to others, and stops when its sender is gone; counted in pictures, not in seconds."""

import asyncio
from io import BytesIO

import httpx
from PIL import Image

from edge_tosca.console.app import create_app
from edge_tosca.console.app_state import state as state_module
from edge_tosca.console.http.limits import Rates
from edge_tosca.console.options import Options

VIEWS = 8


def _large():
    content = BytesIO()
    Image.new("RGB", (2400, 2400), "teal").save(content, "PNG")
    return content.getvalue()


def _body(picture, views):
    head = b'--b\r\nContent-Disposition: form-data; name="pictures"; filename="%d"\r\n\r\n'
    return b"".join(head % number + picture + b"\r\n" for number in range(views)) + b"--b--\r\n"


async def _post(app, address, path, kind, body, gone=None):
    """Send a request as a server would; `gone` is set when the client closes the connection."""
    statuses, parts = [], [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        if parts:
            return parts.pop()
        await (gone or asyncio.Event()).wait()
        return {"type": "http.disconnect"}

    async def send(message):
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    headers = [(b"host", b"127.0.0.1"), (b"content-type", kind)]
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/api/v1/{path}",
        "raw_path": None,
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "headers": headers,
        "client": (address, 1),
        "server": ("127.0.0.1", 80),
    }
    await app(scope, receive, send)
    return statuses[0]


def test_another_client_is_answered_between_the_pictures_of_a_burst_which_ends_with_its_sender(
    store, photo, in_own_loop, monkeypatch
):
    decoded, decode = [], state_module.decode
    monkeypatch.setattr(state_module, "decode", lambda *given: (decoded.append(1), decode(*given))[1])

    async def run():
        app = create_app(Options(store), Rates(clock=lambda: 0.0))
        kind, body = b"multipart/form-data; boundary=b", _body(_large(), VIEWS)
        async with app.router.lifespan_context(app):
            assert await _post(app, "192.0.2.2", "predict", b"image/jpeg", photo) == 200
            gone = asyncio.Event()
            burst = asyncio.create_task(_post(app, "192.0.2.1", "burst", kind, body, gone))
            while not decoded:
                await asyncio.sleep(0.001)
            assert await _post(app, "192.0.2.2", "predict", b"image/jpeg", photo) == 200
            assert not burst.done()
            gone.set()
            assert await burst == 499
            assert not app.state.app_state.pixels._held
        # Closing waits for the picture under way; no other was begun.
        return len(decoded)

    assert 1 <= in_own_loop(run()) < VIEWS


def test_a_burst_of_too_many_pixels_is_refused_before_one_is_decoded(open_box):
    content = BytesIO()
    Image.new("1", (4800, 4800)).save(content, "PNG")
    views = [("pictures", ("a.png", content.getvalue(), "image/png"))] * 9
    refused = open_box.ask("POST", "/burst", files=views)
    assert refused.status_code == 413
    assert refused.json()["error"] == (
        "these pictures have 207 megapixels; send at most 192 at once, or scale them down"
    )


def test_an_answer_is_the_same_however_large_the_picture(open_box, photo):
    wide = BytesIO()
    Image.open(BytesIO(photo)).resize((2400, 2400)).save(wide, "PNG")
    answer = httpx.post(
        f"{open_box.api}/predict", content=wide.getvalue(), headers={"Content-Type": "image/png"}, timeout=60
    )
    assert answer.json()["label"] == "apple"
