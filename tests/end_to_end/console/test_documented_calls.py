"""The calls that docs/console.md shows are made as they stand there, with curl."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

DOC = Path(__file__).parents[3] / "docs" / "console.md"

ENDLESS = "/live/events"
"""A stream that curl is to leave after a moment."""


def documented_calls():
    (block,) = re.findall(r"```sh\nBOX=\S+\n(.*?)```", DOC.read_text(), re.DOTALL)
    calls = [line.partition("  #")[0].strip() for line in block.splitlines()]
    assert len(calls) > 15
    assert all(call.startswith("curl ") for call in calls)
    return calls


def run(call, served, folder):
    """Let a shell make a call; give its status and what it answered."""
    command = call.replace("http://127.0.0.1:8600/", served.url).replace(
        "curl ", 'curl -sS -w "\\n%{http_code}" ', 1
    )
    limit = " --max-time 2" if call.endswith(ENDLESS) else ""
    done = subprocess.run(
        ["sh", "-c", f"BOX={served.api}\n{command}{limit}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )
    answer, _, status = done.stdout.rpartition("\n")
    return int(status), answer, done.stderr


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_every_documented_call_does_what_the_documentation_says(
    serve, taught, edge, teach, eventually, frames_file, photos, tmp_path
):
    key, fruit, store = tmp_path / "key", tmp_path / "fruit.pack", tmp_path / "shop.tosca"
    assert edge("pack", "keygen", key).code == 0
    assert edge("pack", "export", taught, "apple", "--out", fruit, "--key", key).code == 0
    assert edge("init", store).code == 0
    assert edge("pack", "trust", store, f"{key}.pub").code == 0
    assert edge("learn", store, photos / "task2").code == 0
    mugs = sorted((photos / "task1" / "brick").iterdir())
    for name, picture in zip(("mug.jpg", "view1.jpg", "view2.jpg"), mugs, strict=False):
        shutil.copy(picture, tmp_path / name)
    job = picture = ""
    with serve(store, "--camera", f"{frames_file('cone')}?loop=1", "--pack-key", key) as served:
        for call in documented_calls():
            # Each call is shown by itself: what it needs was undone, renamed or forgotten by those before it.
            if "/jobs/undo" in call:
                asked = {"params": {"id": job}}
                eventually(lambda asked=asked: served.ask("GET", "/jobs", **asked).json()["state"] == "done")
            elif "/classes/rename" in call or "/packs/export" in call:
                assert teach(served, {"mug": mugs}, force=True)["state"] == "done"
            status, answer, complaint = run(
                call.replace("JOB", job).replace("id=ID", f"id={picture}"), served, tmp_path
            )
            assert 200 <= status < 300, (call, status, answer, complaint)
            if "/predict" in call:
                picture = json.loads(answer)["id"]
            if call.endswith("/learn"):
                job = json.loads(answer)["job"]
    assert (tmp_path / "mug.pack").stat().st_size > 1000
