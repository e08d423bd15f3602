"""Every view on every screen in every language: no word is broken in two, and no message covers a button."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from served import Served
from stage import photographs
from technician import DESKTOP, PHONE, SMALL, Technician

pytestmark = pytest.mark.long

TOKEN = "a-token-for-every-screen"

VIEWS = (
    "live",
    "teach",
    "capture?label=Orange",
    "review?label=Orange",
    "inbox",
    "classes",
    "class?label=Pineapple",
    "more",
    "history",
    "storage",
    "settings",
    "packs",
    "invite",
    "phones",
    "regions",
    "cameras",
    "tally",
    "doctor",
)

# A word of which the browser put a part on another line; what a class is called may be any length.
_BROKEN = """() => {
  const broken = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    const parent = node.parentElement;
    const shown = parent?.checkVisibility();
    if (!shown || parent.closest('.aside-only, option, script, noscript, .fingerprint')) continue;
    for (const { 0: word, index } of node.data.matchAll(/[^\\s\\u2010-\\u2015/-]+/gu)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const parts = [...range.getClientRects()].filter((one) => one.width > 0);
      const tops = parts.map((one) => one.top);
      if (Math.max(...tops) - Math.min(...tops) > 6) broken.push(word);
    }
  }
  return [...new Set(broken)];
}"""

_COVERED = """async (words) => {
  const { notice } = await import('/notice.js');
  notice(words);
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const shown = document.querySelector('#notice .notice').getBoundingClientRect();
  return [...document.querySelectorAll('#places a, main button, main a, main input, main select')]
    .map((one) => [one.getBoundingClientRect(), one.textContent])
    .filter(([box]) => box.width && box.bottom > shown.top + 1 && box.top < shown.bottom - 1
      && box.right > shown.left && box.left < shown.right)
    .map(([, words]) => words);
}"""


# Two buttons of which each has a part that the other has not.
_OVERLAP = """() => {
  const all = [...document.querySelectorAll('#places a, main button, main a.button')]
    .filter((one) => one.checkVisibility())
    .map((one) => [one.getBoundingClientRect(), one.textContent || one.ariaLabel]);
  const over = [];
  all.forEach(([a, words], place) => all.slice(place + 1).forEach(([b, others]) => {
    const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
    const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
    if (width > 2 && height > 2) over.push(`${words} / ${others}`);
  }));
  return over;
}"""


@pytest.fixture(scope="module")
def lived_in(serve_all: Callable[..., Served], shared_data: Path) -> Served:
    """A box with classes, waiting pictures and a history."""
    box = serve_all(token=TOKEN)
    box.teach({name: photographs(shared_data, name)[:12] for name in ("Pineapple", "Orange")})
    box.queue({"Orange": photographs(shared_data, "Orange")[12:16]})
    return box


@pytest.mark.parametrize("language", ["en-GB", "de-DE", "fr-FR"])
def test_no_word_is_broken_and_no_message_covers_a_button(
    lived_in: Served, visit: Callable[..., Technician], language: str
) -> None:
    faults: dict[str, Any] = {}
    for name, device in (("phone", PHONE), ("small", SMALL), ("desktop", DESKTOP)):
        who = visit(lived_in, device, locale=language, refusals=(401,))
        who.page.add_init_script("Object.defineProperty(navigator, 'mediaDevices', { value: undefined });")
        who.page.goto(lived_in.url)
        who.page.locator("#token").fill(TOKEN)
        who.page.keyboard.press("Enter")
        who.page.locator("main[data-view=live]").wait_for()
        for view in VIEWS:
            who.go(view)
            if broken := who.page.evaluate(_BROKEN):
                faults[f"{name} {view} words"] = broken
            # What scrolls goes below the places and the foot, which stay.
            if who.page.locator("main.fixed").count() and (over := who.page.evaluate(_OVERLAP)):
                faults[f"{name} {view} overlap"] = over
            if covered := who.page.evaluate(_COVERED, "1 of 1 files were taken, and this is a long line."):
                faults[f"{name} {view} covered"] = covered
    assert faults == {}, "\n".join(f"{key}: {value}" for key, value in faults.items())
