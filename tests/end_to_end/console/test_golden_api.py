"""The API has every route and field that it had, and kept pictures are encrypted as they were."""

import json
import shutil
import sqlite3
from contextlib import closing
from io import BytesIO

import pytest
from PIL import Image
from tests.golden.decrypting import Rows
from tests.golden.described import fields
from tests.golden.stores import GOLDEN

KEY = "5a" * 32


def test_the_api_has_every_route_and_field_that_it_had(open_box):
    now = fields(open_box.ask("GET", "/openapi.json").json())
    before = json.loads((GOLDEN / "api.json").read_text(encoding="utf-8"))
    assert sorted(set(before) - set(now)) == []


def test_a_picture_that_was_kept_is_shown_again(serve, tmp_path):
    for name in ("encrypted.tosca", "encrypted.tosca.pictures"):
        shutil.copy(GOLDEN / name, tmp_path)
    with serve(tmp_path / "encrypted.tosca", env={"EDGE_TOSCA_KEY": KEY}) as served:
        answer = served.ask("GET", "/classes/thumbnail", params={"label": "wheel"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert Image.open(BytesIO(answer.content)).size == (64, 64)


@pytest.fixture
def locked(taught, copy_store, edge, tmp_path):
    path = copy_store(taught, tmp_path / "shop.tosca")
    assert edge("store", "encrypt", path, env={"EDGE_TOSCA_KEY": KEY}).code == 0
    return path


def test_kept_pictures_lie_in_a_file_of_their_own_each_encrypted_for_its_id(serve, teach, locked, photos):
    with serve(locked, env={"EDGE_TOSCA_KEY": KEY}) as served:
        assert served.ask("PUT", "/settings", json={"keep_pictures": True}).status_code == 200
        assert teach(served, {"flag": sorted((photos / "task3" / "flag").iterdir())})["state"] != "failed"
    with closing(sqlite3.connect(locked)) as connection:
        rows = Rows(connection, bytes.fromhex(KEY))
    with closing(sqlite3.connect(f"{locked}.pictures")) as connection:
        named = [column[1] for column in connection.execute("PRAGMA table_info(pictures)")]
        kept = connection.execute("SELECT id, sealed, jpeg FROM pictures").fetchall()
    assert named == ["id", "class", "learned_at", "sealed", "jpeg"]
    assert len(kept) == 8
    for key, sealed, jpeg in kept:
        assert sealed == 1
        assert rows.content("kept.jpeg", key, jpeg).startswith(b"\xff\xd8")
