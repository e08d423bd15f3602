"""Pictures from files: picked, dropped, and those that are none."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from served import Served
from stage import photographs
from technician import Technician

_DROP = """([files]) => {
  const held = new DataTransfer();
  for (const [name, type, data] of files) {
    const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
    held.items.add(new File([bytes], name, { type }));
  }
  const place = document.querySelector('main');
  for (const kind of ['dragover', 'drop']) {
    place.dispatchEvent(new DragEvent(kind, { dataTransfer: held, bubbles: true, cancelable: true }));
  }
}"""


@pytest.fixture(scope="module")
def bare(serve_all: Callable[..., Served]) -> Served:
    """A box without a camera."""
    return serve_all()


def test_picked_files_wait_to_be_taught(
    bare: Served, visit: Callable[..., Technician], shared_data: Path
) -> None:
    who = visit(bare).go("capture?label=Leek")
    who.page.locator("input[type=file]").set_input_files(photographs(shared_data, "Leek")[:4])
    who.sees("4 of 4 files were taken.")
    who.follow("Done")
    who.sees("4 pictures. Remove those that do not show the object well.")
    who.press("Remove picture 2")
    who.sees("3 pictures. Remove those")
    assert [len(one["pictures"]) for one in bare.get("/queue")["classes"] if one["label"] == "Leek"] == [3]


def test_dropped_files_wait_to_be_taught(
    bare: Served, visit: Callable[..., Technician], shared_data: Path
) -> None:
    files = [
        (path.name, "image/jpeg", base64.b64encode(path.read_bytes()).decode())
        for path in photographs(shared_data, "Ginger")[:3]
    ]
    who = visit(bare).go("capture?label=Ginger")
    who.page.evaluate(_DROP, [files])
    who.sees("3 of 3 files were taken.")
    who.counted(3)


def test_a_file_that_is_no_picture_is_named_and_the_others_are_taken(
    bare: Served, visit: Callable[..., Technician], shared_data: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "invoice.jpg"
    bad.write_bytes(b"this is no picture")
    who = visit(bare, refusals=(415,)).go("capture?label=Garlic")
    who.page.locator("input[type=file]").set_input_files([bad, photographs(shared_data, "Garlic")[0]])
    who.sees("invoice.jpg is not a picture that can be read. 1 others were taken.")


def test_the_same_picture_again_is_refused_in_plain_words(
    bare: Served, visit: Callable[..., Technician], shared_data: Path
) -> None:
    picture = photographs(shared_data, "Lemon")[0]
    who = visit(bare).go("capture?label=Lemon")
    who.page.locator("input[type=file]").set_input_files(picture)
    who.sees("1 of 1 files were taken.")
    who.page.locator("input[type=file]").set_input_files(picture)
    who.sees("Same view. Turn it.")


def test_a_name_that_looks_like_markup_is_shown_as_it_was_written(
    bare: Served, visit: Callable[..., Technician], shared_data: Path
) -> None:
    name = "<img src=x onerror=alert(1)> & 'Co'"
    bare.queue({name: photographs(shared_data, "Lime")[:1]})
    who = visit(bare).go("teach")
    who.heading(name)
    who.press(f"Teach {name}") if len(bare.get("/queue")["classes"]) == 1 else None
    assert who.page.locator("img[src='x']").count() == 0
