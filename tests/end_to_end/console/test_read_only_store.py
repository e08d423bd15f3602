"""A console whose store is on read-only media answers, and refuses to teach with 409 and the reason."""

import pytest

JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture
def served(serve, taught, copy_store, read_only, tmp_path):
    (tmp_path / "media").mkdir()
    store = copy_store(taught, tmp_path / "media" / "shop.tosca")
    with serve(store, before=read_only(store.parent)) as console:
        yield console
        # No line of the log tells of an error every few seconds.
        assert not [line for line in console.log if "WARNING" in line or "ERROR" in line]
    assert console.end() == 0


def test_a_console_on_read_only_media_answers_and_does_not_teach(served, asked):
    picture = (asked / "apple" / "101.jpg").read_bytes()
    answer = served.ask("POST", "/predict", content=picture, headers=JPEG).json()
    assert answer["label"] == "apple"
    for path in ("/classes", "/history", "/queue", "/inbox", "/settings", "/store", "/health"):
        assert served.ask("GET", path).status_code == 200, path
    assert served.ask("GET", "/store").json()["check"]["ok"]
    for method, path, body in (
        ("POST", "/queue?label=apple", {"content": picture, "headers": JPEG}),
        ("POST", "/queue/capture", {"json": {"label": "apple"}}),
        ("POST", "/learn", {"json": {"labels": ["apple"]}}),
        ("POST", "/jobs/undo", {"json": {"id": "x"}}),
        ("POST", "/inbox/move", {"json": {"group": "x", "label": "apple"}}),
        ("POST", "/classes/forget", {"json": {"label": "apple"}}),
        ("POST", "/classes/rename", {"json": {"label": "apple", "new": "pear"}}),
        ("POST", "/rollback", {"json": {}}),
        ("PUT", "/settings", {"json": {"keep_pictures": True}}),
        ("POST", "/packs/trust", {"json": {"key": "0" * 64}}),
        (
            "POST",
            "/packs/import",
            {"content": b"pack", "headers": {"Content-Type": "application/octet-stream"}},
        ),
    ):
        refused = served.ask(method, path, **body)
        assert refused.status_code == 409, (path, refused.text)
        assert refused.json()["error"] == (
            "shop.tosca can be read but not changed (its folder is on a read-only file system); mount it "
            "writable, or use a copy of the store"
        )
