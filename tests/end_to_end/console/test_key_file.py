"""A console that was given a key file opens its encrypted store with it, wherever it opens it."""

from importlib.util import find_spec

import pytest

pytestmark = pytest.mark.skipif(not find_spec("cryptography"), reason="needs cryptography")


@pytest.fixture
def locked(taught, copy_store, edge, tmp_path):
    """An encrypted store, and the file with its key."""
    key = tmp_path / "shop.key"
    key.write_text("5a" * 32)
    key.chmod(0o600)
    path = copy_store(taught, tmp_path / "shop.tosca")
    assert edge("store", "encrypt", path, "--key-file", key).code == 0
    return path, key


def test_a_console_answers_teaches_imports_and_examines_with_a_key_file(
    serve, teach, edge, locked, taught, photos, asked, tmp_path
):
    store, key = locked
    signer, pack = tmp_path / "signer", tmp_path / "apple.pack"
    assert edge("pack", "keygen", signer).code == 0
    assert edge("pack", "trust", store, f"{signer}.pub", "--key-file", key).code == 0
    assert edge("pack", "export", taught, "apple", "--out", pack, "--key", signer).code == 0
    with serve(store, "--key-file", key) as served:
        picture = (asked / "apple" / "100.jpg").read_bytes()
        answer = served.ask("POST", "/predict", content=picture, headers={"Content-Type": "image/jpeg"})
        assert answer.json()["label"] == "apple"
        taught_now = teach(served, {"flag": sorted((photos / "task3" / "flag").iterdir())})
        assert taught_now["state"] != "failed"
        imported = served.ask(
            "POST",
            "/packs/import",
            params={"rename": "apple=pear"},
            content=pack.read_bytes(),
            headers={"Content-Type": "application/octet-stream"},
        )
        assert imported.json().get("classes"), imported.text
        findings = served.ask("GET", "/doctor").json()["findings"]
        assert {finding["what"] for finding in findings} >= {"store pages", "store content", "store origin"}
