"""Somebody who uses the page: finds things by their words, as a person or a screen reader does."""

import re
from typing import Any

DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
SMALL: dict[str, Any] = {"viewport": {"width": 800, "height": 480}, "has_touch": True}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

_PATIENCE = 60_000


class Technician:
    """One visit of the page.

    Args:
        context: of the browser.
        url: of the box.
        refusals: statuses that the box may answer with without a fault of the page.
    """

    def __init__(self, context: Any, url: str, refusals: tuple[int, ...] = ()) -> None:
        self.url = url
        self.page = context.new_page()
        self.page.set_default_timeout(_PATIENCE)
        self.asked: list[str] = []
        self.faults: list[str] = []
        self._refusals = refusals
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def go(self, view: str = "live") -> "Technician":
        """Open a view by its address, and wait until it is there."""
        if self.page.url.startswith(self.url):
            self.page.evaluate("view => { location.hash = view }", f"#/{view}")
        else:
            self.page.goto(f"{self.url}/#/{view}")
        place = view.split("?")[0]
        self.page.locator(f"main[data-view='{place}']").wait_for()
        return self

    def press(self, words: str | re.Pattern[str], exact: bool = True) -> None:
        """Press a button."""
        self.button(words, exact).click()

    def button(self, words: str | re.Pattern[str], exact: bool = True) -> Any:
        return self.page.get_by_role("button", name=words, exact=exact)

    def follow(self, words: str | re.Pattern[str], exact: bool = True) -> None:
        """Follow a link."""
        self.page.get_by_role("link", name=words, exact=exact).first.click()

    def write(self, label: str, words: str) -> None:
        """Write into a field."""
        self.page.get_by_label(label, exact=True).fill(words)

    def sees(self, words: str | re.Pattern[str]) -> Any:
        """Wait until words are there to be read."""
        found = self.page.get_by_text(words).first
        found.wait_for()
        return found

    def heading(self, words: str | re.Pattern[str]) -> Any:
        """Wait for a heading."""
        found = self.page.get_by_role("heading", name=words).first
        found.wait_for()
        return found

    def answer_is(self, words: str) -> None:
        """Wait until the answer in large letters is this."""
        self.page.locator(".answer .what", has_text=re.compile(f"^{re.escape(words)}$")).wait_for()

    def capture(self, label: str, pictures: int = 20) -> None:
        """Name a thing and hold the shutter until so many pictures are taken."""
        self.go("teach")
        self.write("What is it called?", label)
        self.press("Show it to the camera")
        self.page.locator("main[data-view='capture']").wait_for()
        shutter = self.button(re.compile("^Hold to take pictures"))
        box = shutter.bounding_box()
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.page.mouse.down()
        self.counted(pictures)
        self.page.mouse.up()

    def counted(self, pictures: int) -> None:
        """Wait until the shutter's ring counts at least so many pictures."""
        self.page.wait_for_function(
            "least => Number(document.querySelector('.shutter .number')?.textContent) >= least", arg=pictures
        )

    def check(self) -> None:
        """Nothing beyond the box was asked for, and nothing went wrong in the page."""
        strangers = [url for url in self.asked if not url.startswith((self.url + "/", "blob:" + self.url))]
        assert strangers == [], strangers
        assert self.faults == [], self.faults

    def _hear(self, message: Any) -> None:
        if message.type not in ("error", "warning"):
            return
        refused = re.search(r"the server responded with a status of (\d+)", message.text)
        if refused and int(refused[1]) in self._refusals:
            return
        if 0 in self._refusals and "net::ERR_CONNECTION_REFUSED" in message.text:
            return
        self.faults.append(f"{message.type}: {message.text} {message.location.get('url', '')}")
