"""A pack of a signer who is not known yet: one question, and no command line."""

import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from served import Served
from stage import photographs
from technician import PHONE, Technician

pytestmark = pytest.mark.long


def test_a_pack_from_a_linux_desktop_asks_about_its_signer_and_about_equal_names(
    serve: Callable[..., Served],
    visit: Callable[..., Technician],
    edge: Any,
    shared_data: Path,
    tmp_path: Path,
) -> None:
    key = tmp_path / "key"
    assert edge("pack", "keygen", key).code == 0
    box = serve("--pack-key", key)
    box.teach({label: photographs(shared_data, label)[:12] for label in ("Orange", "Pineapple")})
    request = urllib.request.Request(
        f"{box.url}/api/v1/packs/export", b"{}", {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        pack = {"name": "fruit.pack", "mimeType": "application/x-java-pack200", "buffer": answer.read()}

    other = serve()
    who = visit(other, PHONE).go("packs")
    choose = who.page.locator("input[type=file]")
    choose.set_input_files(pack)
    who.heading("Trust this key?")
    public = Path(f"{key}.pub").read_text()
    shown = who.page.locator("dialog .fingerprint").inner_text().replace(" ", "")
    assert len(shown) == 64 and other.labels() == []
    who.press("Cancel")
    choose.set_input_files(pack)
    who.press("Trust and read")
    who.sees("The pack was read.")
    assert sorted(other.labels()) == ["Orange", "Pineapple"]
    assert shown in edge("pack", "trust", other.store).out or shown in public

    choose.set_input_files(pack)
    who.heading("Known already")
    who.press("Cancel")
