"""The first minutes with a box: nothing is taught, and there may be no camera."""

import base64
import re
from collections.abc import Callable
from pathlib import Path

from served import Served
from stage import photographs
from technician import PHONE, Technician

# As over plain http, where a browser has no camera for a page.
_WITHOUT_CAMERA = "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });"

_DROP = """(files) => {
  const held = new DataTransfer();
  for (const [name, data] of files) {
    const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
    held.items.add(new File([bytes], name, { type: 'image/jpeg' }));
  }
  document.querySelector('main').dispatchEvent(
    new DragEvent('drop', { dataTransfer: held, bubbles: true, cancelable: true }));
}"""


def test_without_a_camera_files_are_taught_and_answered(
    serve: Callable[..., Served], visit: Callable[..., Technician], shared_data: Path
) -> None:
    box = serve()
    who = visit(box, PHONE)
    who.page.add_init_script(_WITHOUT_CAMERA)
    who.go()
    who.answer_is("Nothing taught yet")
    assert not who.button("That was wrong").is_visible()
    who.follow("Teach the first thing")
    who.page.locator("input[type=text]:focus").fill("Orange")
    with who.page.expect_file_chooser() as chooser:
        who.press("From files")
    chooser.value.set_files(photographs(shared_data, "Orange")[:20])
    who.press("Teach Orange")
    who.heading("Learned")
    who.follow("Watch it live")

    who.answer_is("Waiting for a picture")
    assert not who.page.get_by_role("link", name="Teach the first thing").is_visible()
    with who.page.expect_file_chooser() as chooser:
        who.press("Take a photo")
    chooser.value.set_files(photographs(shared_data, "Orange", "test")[0])
    who.answer_is("Orange")
    who.page.wait_for_function("() => document.querySelector('.scene .still').naturalWidth > 0")
    who.press("That was wrong")
    who.heading("What is it?")
    who.press("Cancel")

    before = who.page.locator(".scene .still").get_attribute("src")
    _drop(who, photographs(shared_data, "Orange", "test")[1:2])
    who.page.wait_for_function(
        "before => document.querySelector('.scene .still').getAttribute('src') !== before", arg=before
    )

    who.go("teach")
    _drop(who, photographs(shared_data, "Leek")[:3])
    who.sees("3 files. What are they called?")
    who.page.locator("input[type=text]:focus").fill("Leek")
    who.page.keyboard.press("Enter")
    who.sees("3 pictures. Remove those")


def _drop(who: Technician, paths: list[Path]) -> None:
    files = [(path.name, base64.b64encode(path.read_bytes()).decode()) for path in paths]
    who.page.evaluate(_DROP, files)


def test_a_full_ring_offers_the_lesson_at_once(
    serve: Callable[..., Served], visit: Callable[..., Technician], shared_data: Path
) -> None:
    box = serve()
    who = visit(box, PHONE).go("capture?label=Leek")
    who.page.locator("input[type=file]").first.set_input_files(photographs(shared_data, "Leek")[0])
    who.counted(1)
    assert not who.button("Teach Leek").is_visible()
    box.queue({"Leek": photographs(shared_data, "Leek")[1:20], "Orange": photographs(shared_data, "Orange")})
    who.page.reload()
    who.press(re.compile("^Teach 2 classes$"))
    who.heading("Learned")
