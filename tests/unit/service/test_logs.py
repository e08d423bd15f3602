import io
import json
import logging
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest

from edge_tosca.errors import StoreError
from edge_tosca.service import errors_as_log_lines, set_up_logging


@pytest.fixture
def log():
    """A stream that `set_up_logging` writes to; what it changed is put back."""
    root, hook = logging.getLogger(), threading.excepthook
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    threading.excepthook = hook


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_record_is_one_object_with_its_fields(log):
    set_up_logging("json", log)
    logging.getLogger("edge_tosca.live").warning("camera lost", extra={"camera": "0", "waits": np.float32(2)})
    (line,) = lines(log)
    assert set(line) == {"at", "level", "event", "fields"}
    assert (line["level"], line["event"]) == ("warning", "camera lost")
    assert line["fields"] == {"logger": "edge_tosca.live", "camera": "0", "waits": 2.0}
    assert line["at"].endswith("+00:00")


@pytest.mark.parametrize("kind", ["json", "text"])
def test_no_control_character_of_a_name_gets_through(log, kind):
    set_up_logging(kind, log)
    label = 'mug\n{"level":"error"}\x1b[2J\x9b2J\u2028\u202e\ud800ü'
    logging.getLogger("edge_tosca").info("answer", extra={"label": label})
    text = log.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    assert text[:-1].isprintable()
    assert "ü" in text
    if kind == "json":
        assert lines(log)[0]["fields"]["label"] == label


def test_an_exception_stays_in_its_line(log):
    set_up_logging("json", log)
    try:
        raise ValueError("bad\nthing")
    except ValueError:
        logging.getLogger("edge_tosca").exception("the job failed")
    (line,) = lines(log)
    assert "ValueError: bad\nthing" in line["fields"]["exception"]


def test_an_error_of_a_thread_is_a_record(log):
    set_up_logging("json", log)
    thread = threading.Thread(target=lambda: 1 // 0, name="camera")
    thread.start()
    thread.join()
    (line,) = lines(log)
    assert (line["level"], line["fields"]["in_thread"]) == ("error", "camera")
    assert "ZeroDivisionError" in line["fields"]["exception"]


def test_a_warning_is_a_record(log):
    set_up_logging("json", log)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old camera", stacklevel=1)
    (line,) = lines(log)
    assert "old camera" in line["event"]


def test_a_request_is_logged_without_the_names_in_its_query(log):
    pytest.importorskip("uvicorn")
    set_up_logging("json", log)
    logging.getLogger("uvicorn.access").info(
        '%s - "%s %s HTTP/%s" %d', "127.0.0.1:5", "GET", "/api/v1/classes/thumbnail?label=mug", "1.1", 200
    )
    (line,) = lines(log)
    assert line["event"] == "request"
    assert line["fields"] == {
        "logger": "uvicorn.access",
        "client": "127.0.0.1:5",
        "method": "GET",
        "path": "/api/v1/classes/thumbnail",
        "status": 200,
    }


def test_the_error_that_ends_the_program_is_a_record_too(log):
    set_up_logging("json", log)
    with pytest.raises(SystemExit) as ended, errors_as_log_lines("json"):
        raise StoreError("shop.tosca: there is no store here")
    assert ended.value.code == 1
    (line,) = lines(log)
    assert (line["level"], line["event"]) == ("error", "shop.tosca: there is no store here")


def test_in_text_the_command_line_tells_the_error_itself():
    with pytest.raises(StoreError), errors_as_log_lines("text"):
        raise StoreError("shop.tosca: there is no store here")


SERVER = """
import asyncio, urllib.request, threading, uvicorn
from edge_tosca.service import set_up_logging

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})

set_up_logging("json")
server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))

async def main():
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{port}/health?secret=1")
    server.should_exit = True
    await task

asyncio.run(main())
"""


def test_everything_that_uvicorn_logs_is_json():
    pytest.importorskip("uvicorn")
    ran = subprocess.run([sys.executable, "-c", SERVER], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    said = [json.loads(line) for line in ran.stderr.splitlines()]
    requests = [line["fields"] for line in said if line["event"] == "request"]
    assert [(fields["path"], fields["status"]) for fields in requests] == [("/health", 200)]
    assert any("Uvicorn running" in line["event"] for line in said)
