"""Days with the console's API: teach, ask, correct, name the unknown, take back, carry packs."""

import shutil
import signal
import socket
import sqlite3
import time
from contextlib import closing
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image, ImageFilter

from edge_tosca.cli.rounding import rounded

JPEG = {"Content-Type": "image/jpeg"}
FILE = {"Content-Type": "application/octet-stream"}


@pytest.fixture
def store(edge, tmp_path):
    path = tmp_path / "shop.tosca"
    assert edge("init", path).code == 0
    return path


@pytest.fixture
def lessons(photos):
    def of(task, *labels):
        return {label: sorted((photos / task / label).iterdir()) for label in labels}

    return of


def listed(served):
    return {one["label"]: one for one in served.ask("GET", "/classes").json()["classes"]}


def kept(store):
    """Number of kept pictures, read past the program."""
    with closing(sqlite3.connect(f"{store}.pictures")) as connection:
        return connection.execute("SELECT count(*) FROM pictures").fetchone()[0]


def ask_about(served, path, **params):
    return served.ask("POST", "/predict", content=Path(path).read_bytes(), headers=JPEG, params=params)


def blurred(path):
    content = BytesIO()
    Image.open(path).filter(ImageFilter.GaussianBlur(6)).save(content, "JPEG")
    return content.getvalue()


def test_a_day_of_teaching(serve, store, lessons, asked, teach, edge):
    with serve(store) as served:
        assert ask_about(served, asked / "apple" / "100.jpg").status_code == 409
        job = teach(served, lessons("task1", "apple", "brick"))
        assert (job["state"], job["stage"], job["done"]) == ("done", "finished", job["total"])
        assert job["report"]["generation"] == 1
        assert served.ask("GET", "/queue").json()["pictures"] == 0

        # The same answer as the command line gives for the same file, whose numbers are rounded.
        answer = ask_about(served, asked / "brick" / "100.jpg", top=2).json()
        (told,) = edge("predict", store, asked / "brick" / "100.jpg", "--top", 2, "--json").lines
        for name in ("label", "confidence", "unknown", "task", "top", "familiarity"):
            assert rounded(answer[name]) == told[name]
        views = [("pictures", (path.name, path.read_bytes())) for path in (asked / "apple").iterdir()]
        burst = served.ask("POST", "/burst", files=views).json()
        told = edge("predict", store, *(asked / "apple").iterdir(), "--burst", "--json").json
        assert burst["label"] == told["label"] == "apple"
        assert burst["confidence"] == pytest.approx(told["confidence"], abs=1e-6)

        # "That was wrong": the answer's picture joins the right class's queue, and can be seen.
        added = served.ask("POST", "/answers/correct", json={"answer": answer["id"], "label": "kerb"}).json()
        assert (added["accepted"], added["count"]) == (True, 1)
        shown = served.ask("GET", "/picture", params={"id": added["id"]})
        assert Image.open(BytesIO(shown.content)).format == "JPEG"
        assert served.ask("DELETE", "/queue").json() == {"dropped": 1}

        # Undo of the lesson: its pictures wait again, and the same lesson gives the same module again.
        modules = served.ask("GET", "/classes").json()["modules"]
        undone = served.ask("POST", "/jobs/undo", json={"id": job["id"]}).json()
        assert (undone["classes"], undone["waiting"]) == ([], 16)
        assert served.ask("POST", "/jobs/undo", json={"id": job["id"]}).status_code == 409
        again = teach(served, {"apple": [], "brick": []})
        assert again["state"] == "done"
        assert [one["digest"] for one in served.ask("GET", "/classes").json()["modules"]] == [
            one["digest"] for one in modules
        ]

        teach(served, lessons("task2", "cone"))
        renamed = served.ask("POST", "/classes/rename", json={"label": "cone", "new": "hat"}).json()
        assert renamed["classes"] == ["apple", "brick", "hat"]
        taken = served.ask("POST", "/classes/rename", json={"label": "hat", "new": "apple"})
        assert taken.status_code == 409
        merged = served.ask("POST", "/classes/rename", json={"label": "hat", "new": "brick", "merge": True})
        assert merged.json()["classes"] == ["apple", "brick"]
        history = served.ask("GET", "/history").json()
        assert [one["command"] for one in history["generations"]][:3] == ["merge", "rename", "learn"]
        assert history["undo"] == history["generation"] - 1
        back = served.ask("POST", "/rollback", json={}).json()
        assert back["classes"] == ["apple", "brick", "hat"]
        forgotten = served.ask("POST", "/classes/forget", json={"label": "hat"}).json()
        assert forgotten["classes"] == ["apple", "brick"]
        assert served.ask("POST", "/classes/forget", json={"label": "hat"}).status_code == 404

        stats = served.ask("GET", "/store").json()
        assert stats["check"]["ok"] and stats["stats"]["classes"] == 2
        finding = served.ask("GET", "/doctor").json()["findings"][0]
        assert set(finding) == {"what", "ok", "measured", "detail", "remedy"}
        assert served.end() == 0
    # What the console taught is sealed as what the command line teaches.
    assert edge("verify", store).code == 0


def test_whatever_was_taught_can_be_forgotten_and_its_pictures_go_whatever_its_name(
    serve, store, lessons, teach, edge
):
    with serve(store) as served:
        assert served.ask("PUT", "/settings", json={"keep_pictures": True}).status_code == 200
        teach(served, lessons("task1", "apple", "brick"))
        # A lesson that is taken back: its class is known no longer, and can be forgotten all the same.
        job = teach(served, lessons("task2", "cone"))
        shown = job["pictures"]["cone"]
        assert served.ask("GET", "/picture", params={"id": shown[0]}).status_code == 200
        assert served.ask("POST", "/rollback", json={}).json()["classes"] == ["apple", "brick"]
        assert kept(store) == 8 * 3
        assert served.ask("GET", "/history").json()["undone"] == ["cone"]
        forgotten = served.ask("POST", "/classes/forget", json={"label": "cone"})
        assert (forgotten.status_code, forgotten.json()["classes"]) == (200, ["apple", "brick"])
        assert {served.ask("GET", "/picture", params={"id": one}).status_code for one in shown} == {404}
        assert kept(store) == 8 * 2
        assert served.ask("POST", "/classes/forget", json={"label": "cone"}).status_code == 404
        # Renamed and then forgotten, here and on the command line.
        for name, program in (("hat", False), ("cap", True)):
            shown = teach(served, lessons("task2", "cone"))["pictures"]["cone"]
            served.ask("POST", "/classes/rename", json={"label": "cone", "new": name})
            assert served.ask("GET", "/picture", params={"id": shown[0]}).status_code == 200
            if program:
                assert edge("forget", store, name).code == 0
            else:
                served.ask("POST", "/classes/forget", json={"label": name})
            deadline = time.monotonic() + 20
            while {served.ask("GET", "/picture", params={"id": one}).status_code for one in shown} != {404}:
                assert program and time.monotonic() < deadline
                time.sleep(0.2)
            assert kept(store) == 8 * 2
        assert served.ask("POST", "/classes/forget", json={"label": "cone"}).status_code == 404
    assert edge("verify", store).code == 0


@pytest.mark.long
def test_another_store_in_its_place_for_a_while_leaves_the_kept_pictures(serve, store, lessons, teach, edge):
    other = store.with_name("other.tosca")
    with serve(store) as served:
        served.ask("PUT", "/settings", json={"keep_pictures": True})
        teach(served, lessons("task1", "apple", "brick"))
    assert kept(store) == 16
    assert edge("init", other).code == 0
    right = store.rename(store.with_name("right.tosca"))
    other.rename(store)
    with serve(store) as served:
        teach(served, lessons("task2", "cone"))
        assert not listed(served)["cone"]["thumbnail"]
        served.ask("POST", "/classes/forget", json={"label": "cone"})
    assert kept(store) == 16
    store.unlink()
    right.rename(store)
    with serve(store) as served:
        assert served.ask("GET", "/classes/thumbnail", params={"label": "apple"}).status_code == 200
        assert served.ask("POST", "/classes/forget", json={"label": "apple"}).status_code == 200
    assert kept(store) == 8


def test_the_store_of_a_lesson_is_the_one_that_the_command_line_would_have_made(
    serve, store, edge, photos, lessons, teach, tmp_path
):
    other = tmp_path / "other.tosca"
    assert edge("init", other).code == 0
    learned = edge("learn", other, photos / "task1", "--json").json
    with serve(store) as served:
        job = teach(served, lessons("task1", "apple", "brick"))
    assert job["report"]["module"]["digest"] == learned["module"]["digest"]
    seals = [edge("history", path, "--json").json["generations"][-1] for path in (store, other)]
    assert seals[0]["taught"] == seals[1]["taught"]


def test_what_is_wrong_with_a_picture_is_told_while_it_is_captured(serve, store, photos):
    with serve(store) as served:

        def add(content, **params):
            asked = {"label": "apple", **params}
            return served.ask("POST", "/queue", params=asked, content=content, headers=JPEG).json()

        first = (photos / "task1" / "apple" / "000.jpg").read_bytes()
        assert add(first)["accepted"]
        assert (add(first)["reason"], add(first)["accepted"]) == ("copy", False)
        assert add(blurred(photos / "task1" / "apple" / "001.jpg"))["reason"] == "blurred"
        dark = BytesIO()
        Image.new("RGB", (200, 200)).save(dark, "JPEG")
        assert add(dark.getvalue())["reason"] == "dark"
        kept = add(blurred(photos / "task1" / "apple" / "001.jpg"), force="true")
        assert (kept["accepted"], kept["hint"], kept["count"]) == (True, "blurred", 2)
        waiting = served.ask("GET", "/queue").json()["classes"][0]
        assert waiting["hints"][0] == "few"
        assert [one["hint"] for one in waiting["pictures"]] == [None, "blurred"]
        for one in waiting["pictures"]:
            assert served.ask("DELETE", "/queue/picture", params={"id": one["id"]}).json() == {"dropped": 1}
        assert served.ask("GET", "/queue").json()["classes"] == []


def test_a_rejected_lesson_leaves_its_pictures_and_names_those_to_look_at(serve, store, photos, teach):
    same = sorted((photos / "task1" / "apple").iterdir())
    with serve(store) as served:
        job = teach(served, {"apple": same, "pomme": same})
        assert job["state"] == "rejected"
        assert job["report"]["generation"] is None
        assert served.ask("GET", "/queue").json()["pictures"] == 2 * len(same)
        ids = {key for keys in job["pictures"].values() for key in keys}
        suspects = [one["path"] for one in job["report"]["gate"]["suspects"]]
        assert suspects and set(suspects) <= ids
        for confusion in job["confusions"]:
            assert set(confusion["pictures"]) | set(confusion["answer_pictures"]) <= ids
            assert confusion["pictures"]
        assert served.ask("GET", "/picture", params={"id": suspects[0]}).status_code == 200
        assert served.ask("DELETE", "/queue/picture", params={"id": suspects[0]}).status_code == 200
        assert served.ask("GET", "/classes").json()["classes"] == []
        forced = served.ask("POST", "/learn", json={"force": True})
        assert forced.status_code == 202


def test_unknown_things_wait_in_groups_until_they_are_named(serve, taught, copy_store, tmp_path, asked):
    store = copy_store(taught, tmp_path / "shop.tosca")
    with serve(store) as served:
        unknown = 0
        for label in ("flag", "gauge", "zebra"):
            for path in (asked / label).iterdir():
                unknown += ask_about(served, path).json()["unknown"]
        inbox = served.ask("GET", "/inbox").json()
        assert unknown and inbox["pictures"] == unknown
        group = inbox["groups"][0]
        assert served.ask("GET", "/picture", params={"id": group["pictures"][0]["id"]}).status_code == 200
        moved = served.ask("POST", "/inbox/move", json={"group": group["id"], "label": "stripes"}).json()
        assert moved["moved"] == len(group["pictures"])
        assert served.ask("GET", "/queue").json()["classes"][0]["label"] == "stripes"
        gone = served.ask("POST", "/inbox/move", json={"group": group["id"], "label": "stripes"})
        assert gone.status_code == 404
        assert served.ask("DELETE", "/inbox").status_code == 200
        assert served.ask("GET", "/inbox").json() == {"groups": [], "pictures": 0, "kept": False}


def test_pictures_are_kept_only_where_somebody_says_so(serve, store, lessons, teach, edge, eventually):
    kept = Path(f"{store}.pictures")
    beside = {store.name, f"{store.name}-wal", f"{store.name}-shm"}
    with serve(store) as served:
        teach(served, lessons("task1", "apple", "brick"))
        assert served.ask("GET", "/settings").json() == {"keep_pictures": False}
        assert {path.name for path in store.parent.iterdir()} <= beside
        assert not listed(served)["apple"]["thumbnail"]
        assert served.ask("GET", "/classes/thumbnail", params={"label": "apple"}).status_code == 404

        assert served.ask("PUT", "/settings", json={"keep_pictures": True}).json()["keep_pictures"]
        assert kept.stat().st_mode & 0o777 == 0o600
        teach(served, lessons("task2", "cone", "door"))
        assert {label for label, one in listed(served).items() if one["thumbnail"]} == {"cone", "door"}
        served.ask("POST", "/classes/rename", json={"label": "cone", "new": "hat"})
        thumbnail = served.ask("GET", "/classes/thumbnail", params={"label": "hat"})
        assert max(Image.open(BytesIO(thumbnail.content)).size) <= 256
        served.ask("POST", "/rollback", json={})
        assert listed(served)["cone"]["thumbnail"]
        served.ask("POST", "/classes/forget", json={"label": "cone"})
        with closing(sqlite3.connect(kept)) as connection:
            assert connection.execute("SELECT count(DISTINCT class) FROM pictures").fetchone() == (1,)
        # What another program forgets is followed.
        assert edge("forget", store, "door").code == 0

        def count():
            with closing(sqlite3.connect(kept)) as connection:
                return connection.execute("SELECT count(*) FROM pictures").fetchone()[0]

        eventually(count, lambda number: number == 0)
        assert served.end() == 0
    with serve(store) as served:
        assert served.ask("GET", "/settings").json() == {"keep_pictures": True}
        assert not served.ask("PUT", "/settings", json={"keep_pictures": False}).json()["keep_pictures"]
        assert not kept.exists()


def test_packs_travel_from_console_to_console(serve, taught, copy_store, store, edge, tmp_path):
    full, key = copy_store(taught, tmp_path / "full.tosca"), tmp_path / "key"
    assert edge("pack", "keygen", key).code == 0
    with serve(full, "--pack-key", key) as served:
        pack = served.ask("POST", "/packs/export", json={"labels": ["apple"]})
        assert pack.status_code == 200
        brick = served.ask("POST", "/packs/export", json={"labels": ["brick"]})
        assert served.ask("POST", "/packs/export", json={"labels": ["none"]}).status_code == 404
    with serve(store) as served:
        # A Linux desktop calls a file of this suffix a Java archive; forms and texts are no files.
        java = {"Content-Type": "application/x-java-pack200"}
        for kind in ("text/plain", "multipart/form-data; boundary=a", "application/json"):
            refused = served.ask(
                "POST", "/packs/inspect", content=pack.content, headers={"Content-Type": kind}
            )
            assert refused.status_code == 415
        inspected = served.ask("POST", "/packs/inspect", content=pack.content, headers=java).json()
        assert not inspected["trusted"]
        assert inspected["tasks"][0]["classes"][0]["label"] == "apple"
        untrusted = served.ask("POST", "/packs/import", content=pack.content, headers=FILE)
        assert untrusted.status_code == 422 and "trust" in untrusted.json()["error"]
        assert served.ask("POST", "/packs/trust", json={"key": "no key"}).status_code == 422
        for new in (True, False):
            trusted = served.ask("POST", "/packs/trust", json={"key": inspected["key"]})
            assert trusted.json() == {"key": inspected["key"], "new": new}
        assert served.ask("POST", "/packs/inspect", content=pack.content, headers=java).json()["trusted"]
        asked = {"rename": ["apple=pomme"]}
        report = served.ask("POST", "/packs/import", content=pack.content, headers=java, params=asked)
        assert report.json().get("classes") == ["pomme"], report.text
        assert list(listed(served)) == ["pomme"]
        asked = {"rename": ["brick=pomme"]}
        taken = served.ask("POST", "/packs/import", content=brick.content, headers=FILE, params=asked)
        assert taken.status_code == 422
        assert "'pomme' is known already" in taken.json()["error"] and "--" not in taken.json()["error"]
        assert edge("pack", "trust", store, f"{key}.pub", "--remove").code == 0
        taken_back = served.ask("POST", "/packs/import", content=pack.content, headers=FILE)
        assert taken_back.status_code == 422 and "trust" in taken_back.json()["error"]


# Other programs, lost cameras, the end


def test_what_another_process_teaches_is_answered_at_once(serve, store, edge, photos, asked):
    with serve(store) as served:
        assert ask_about(served, asked / "apple" / "100.jpg").status_code == 409
        assert edge("learn", store, photos / "task1").code == 0
        assert ask_about(served, asked / "apple" / "100.jpg").json()["label"] == "apple"


def test_a_store_that_takes_its_place_is_opened(serve, store, taught, copy_store, tmp_path, asked):
    other = copy_store(taught, tmp_path / "other.tosca")
    with serve(store) as served:
        assert listed(served) == {}
        for suffix in ("", "-wal", "-shm"):
            Path(f"{store}{suffix}").unlink(missing_ok=True)
        gone = served.ask("GET", "/classes")
        assert gone.status_code == 503
        assert served.ask("GET", "/health").json()["status"] == "degraded"
        shutil.move(other, store)
        assert "cone" in listed(served)
        assert ask_about(served, asked / "cone" / "100.jpg").json()["label"] == "cone"


def test_without_a_camera_everything_else_works_and_says_so(serve, store, eventually):
    with serve(store) as served:
        assert served.ask("GET", "/live").json()["reason"] == "no_camera"
        assert served.ask("GET", "/camera").json() == {"camera": None, "live": None}
        for method, path in (("GET", "/camera/frame"), ("GET", "/camera/stream")):
            assert served.ask(method, path).status_code == 409
        assert served.ask("POST", "/queue/capture", json={"label": "a"}).status_code == 409
        assert served.ask("GET", "/health").json()["status"] == "ok"


def test_the_live_view_of_a_camera(serve, taught, copy_store, tmp_path, frames_file, eventually):
    store = copy_store(taught, tmp_path / "shop.tosca")
    camera = f"{frames_file('apple', 'cone')}?fps=15&loop=1"
    with serve(store, "--camera", camera) as served:
        told = eventually(lambda: served.ask("GET", "/live").json(), lambda found: found["shown"])
        assert told["shown"]["label"] in ("apple", "brick", "cone", "door")
        assert told["camera"]["width"] == 640
        with httpx.stream("GET", f"{served.api}/live/events", timeout=30) as events:
            lines = events.iter_lines()
            heard = [line for line, _ in zip((one for one in lines if one), range(5), strict=False)]
        assert all(line.startswith("data: {") for line in heard)
        with httpx.stream("GET", f"{served.api}/camera/stream", timeout=30) as motion:
            assert motion.headers["content-type"].startswith("multipart/x-mixed-replace")
            part = next(motion.iter_bytes(200_000))
        head, _, picture = part.partition(b"\r\n\r\n")
        size = int(head.rpartition(b": ")[2])
        assert Image.open(BytesIO(picture[:size])).size == (640, 480)
        still = served.ask("GET", "/camera/frame")
        assert Image.open(BytesIO(still.content)).size == (640, 480)
        captured = served.ask("POST", "/queue/capture", json={"label": "seen"}).json()
        assert captured["label"] == "seen"
        corrected = served.ask("POST", "/answers/correct", json={"answer": told["id"], "label": "seen"})
        assert corrected.json()["accepted"]
        metrics = httpx.get(f"{served.url}metrics").text
        assert "edge_tosca_camera_connected 1.0" in metrics and "edge_tosca_live_seconds" in metrics


def test_a_phone_sends_its_own_frames(serve, taught, copy_store, tmp_path, asked):
    store = copy_store(taught, tmp_path / "shop.tosca")
    with serve(store) as served:
        picture = (asked / "apple" / "100.jpg").read_bytes()

        def send(client):
            found = served.ask(
                "POST", "/live/frame", params={"client": client}, content=picture, headers=JPEG
            )
            return found.json()

        frames = [send("a")["frame"] for _ in range(3)]
        assert frames == [1, 2, 3]
        assert send("a")["shown"]["label"] == "apple"
        other = send("b")
        assert (other["frame"], other["reason"]) == (1, "starting")


def test_a_camera_that_is_gone_is_told_of_and_everything_else_goes_on(
    serve, store, frames_file, eventually, lessons, teach
):
    camera = f"{frames_file('apple', each=2)}?fps=15"
    with serve(store, "--camera", camera) as served:
        lost = eventually(
            lambda: served.ask("GET", "/live").json(), lambda found: found["reason"] == "camera_lost"
        )
        assert lost["answer"] is None
        assert served.ask("GET", "/health").json()["status"] == "degraded"
        assert teach(served, lessons("task1", "apple", "brick"))["state"] == "done"


def test_sigterm_ends_it_cleanly_with_clients_that_watch(serve, taught, copy_store, tmp_path, frames_file):
    store = copy_store(taught, tmp_path / "shop.tosca")
    camera = f"{frames_file('apple')}?fps=15&loop=1"
    with (
        serve(store, "--camera", camera) as served,
        httpx.stream("GET", f"{served.api}/live/events", timeout=60) as events,
        httpx.stream("GET", f"{served.api}/camera/stream", timeout=60) as motion,
    ):
        next(events.iter_bytes())
        next(motion.iter_bytes())
        assert served.end() == 0
    assert not [line for line in served.log if "Traceback" in line or "Cancel" in line]


def test_a_second_ctrl_c_ends_it_as_quietly_as_the_first(serve, store):
    with serve(store) as served:
        served.process.send_signal(signal.SIGINT)
        # Before the end that the first one began is over; two at once would be one.
        time.sleep(0.03)
        served.process.send_signal(signal.SIGINT)
        assert served.end() == 0
    assert not [line for line in served.log if "Traceback" in line or "Cancel" in line]


def test_the_log_tells_of_changes_and_refusals_and_names_no_class(
    serve, taught, copy_store, tmp_path, asked, eventually
):
    with serve(copy_store(taught, tmp_path / "shop.tosca")) as served:
        assert ask_about(served, asked / "apple" / "100.jpg").status_code == 200
        assert served.ask("GET", "/classes/thumbnail", params={"label": "apple"}).status_code == 404
        renamed = served.ask("POST", "/classes/rename", json={"label": "apple", "new": "pomme"})
        assert renamed.status_code == 200
        logged = eventually(
            lambda: [line for line in served.log if " request " in line], lambda lines: len(lines) == 2
        )
    for line, words in zip(logged, ("GET /classes/thumbnail 404", "POST /classes/rename 200"), strict=True):
        method, route, status = words.split()
        assert f"method={method} route={route} status={status} client=127.0.0.1" in " ".join(line.split())
        assert "apple" not in line and "pomme" not in line


def test_a_fault_at_the_start_is_one_line(edge, store, tmp_path):
    free = ("--listen", "127.0.0.1:0")
    assert "is not HOST:PORT" in edge("serve", store, "--listen", "nowhere:").complaint
    assert "no such" in edge("serve", store, *free, "--camera", tmp_path / "none.mjpeg").complaint.lower()
    key = tmp_path / "nokey"
    assert f"{key}: there is no key here" in edge("serve", store, *free, "--pack-key", key).complaint
    key.write_text("no key")
    assert f"{key} is not a private key" in edge("serve", store, *free, "--pack-key", key).complaint
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = f"127.0.0.1:{taken.getsockname()[1]}"
        assert "cannot be listened on" in edge("serve", store, "--listen", listen).complaint


def test_pictures_of_none_of_the_classes_are_taught_undone_and_forgotten(serve, store, lessons, asked, teach):
    nothing = {"none": lessons("task1", "brick")["brick"]}
    with serve(store) as served:
        teach(served, lessons("task1", "apple"))
        before = ask_about(served, asked / "apple" / "100.jpg").json()
        # What waits beside classes is a lesson of its own.
        mixed = served.ask("POST", "/learn", json={"labels": ["apple", "none"]})
        assert mixed.status_code == 409
        job = teach(served, nothing)
        assert (job["state"], job["report"]["none"]) == ("done", len(nothing["none"]))
        found = served.ask("GET", "/classes").json()
        assert ([one["label"] for one in found["classes"]], found["none"]) == (
            ["apple"],
            len(nothing["none"]),
        )
        assert ask_about(served, asked / "brick" / "100.jpg").json()["unknown"]
        after = ask_about(served, asked / "apple" / "100.jpg").json()
        assert (after["label"], after["unknown"]) == (before["label"], before["unknown"])
        undone = served.ask("POST", "/jobs/undo", json={"id": job["id"]}).json()
        assert undone["waiting"] == len(nothing["none"])
        assert served.ask("GET", "/history").json()["undone"] == []
        assert served.ask("POST", "/learn", json={"labels": ["none"]}).status_code == 202
        while served.ask("GET", "/classes").json()["none"] == 0:
            time.sleep(0.05)
        assert served.ask("POST", "/none/forget").status_code == 200
        assert served.ask("GET", "/classes").json()["none"] == 0
        assert served.ask("POST", "/none/forget").status_code == 404


def test_an_answer_is_explained_while_its_picture_is_in_memory(serve, store, lessons, asked, teach):
    with serve(store) as served:
        teach(served, lessons("task1", "apple", "brick"), force=True)
        answer = ask_about(served, asked / "apple" / "100.jpg").json()

        def explain(**params):
            return served.ask("GET", "/answers/evidence", params=params)

        found = explain(id=answer["id"]).json()
        assert found["label"] == answer["label"]
        assert sum(map(sum, found["places"])) == pytest.approx(found["score"])
        seen = found["seen"]
        width, height = Image.open(asked / "apple" / "100.jpg").size
        assert seen["width"] * width == pytest.approx(seen["height"] * height, rel=0.02)
        assert seen["left"] == pytest.approx((1 - seen["width"]) / 2, abs=0.01)
        other = explain(id=answer["id"], label="brick").json()
        assert other["label"] == "brick"
        assert explain(id=answer["id"], label="cup").status_code >= 400
        gone = explain(id="no-such-answer")
        assert (gone.status_code, gone.json()["error"]) == (
            404,
            "the picture of this answer is no longer kept; use a newer one",
        )
