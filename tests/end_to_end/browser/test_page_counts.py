"""How long each class was seen, hour by hour: counting is turned on, looked at, and turned off."""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest
from served import Served
from technician import DESKTOP, PHONE, Technician

from edge_tosca.learner.tally import Seen, add_seen
from edge_tosca.store.store import Store

pytestmark = pytest.mark.long


def _violations(results: Any) -> list[str]:
    return [f"{one['id']}: {one['help']}" for one in results.response["violations"]]


@pytest.mark.parametrize("device", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_counting_is_turned_on_looked_at_and_turned_off(
    serve: Callable[..., Served], visit: Callable[..., Technician], device: Any
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    box = serve()
    who = visit(box, device).go("tally")
    who.heading("Counts")
    who.sees("Nothing is counted.")
    who.press("Count from now on")
    who.sees("Nothing was seen in the last day.")
    assert box.get("/tally")["days"] == 400

    # As the live loop writes once a minute.
    hour = int(time.time() // 3600)
    with closing(Store.open(box.store)) as store:
        add_seen(
            store,
            [Seen(hour - 1, "gate", "left", None, 3, 1200.0), Seen(hour, "gate", "left", None, 1, 90.0)],
        )
    who.page.reload()
    who.sees("4 times, 22 min")
    bars = who.page.locator("svg.tally rect")
    assert bars.count() == 2
    heights = [float(bars.nth(place).get_attribute("height")) for place in range(2)]
    assert heights == pytest.approx([40.0, 3.0])
    assert _violations(Axe().run(who.page)) == []

    who.press("Count no longer")
    who.press("Erase")
    who.sees("Nothing is counted.")
    assert box.get("/tally") == {"days": None, "counts": []}
    who.check()
