"""A browser, a box, and somebody in front of both."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Served
from stage import Stage
from technician import DESKTOP, Technician
from tests.end_to_end.conftest import child_environment

# Nothing of the browser's own may want the network; names other than loopback's do not even resolve.
_CALM = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser; without it a test is skipped, in CI it fails."""
    found = shutil.which("chromium")
    if found is None:
        reason = "chromium is not on this machine; install the package chromium of the distribution"
        if os.environ.get("CI") == "true":
            pytest.fail(f"{reason}, and CI must have it")
        pytest.skip(reason)
    return found


@pytest.fixture(scope="session")
def open_browser(chromium: str) -> Iterator[Callable[..., Any]]:
    """Start a browser: open_browser() or, with a phone's fake camera, open_browser(video)."""
    from playwright.sync_api import sync_playwright

    browsers: dict[Path | None, Any] = {}
    with sync_playwright() as playwright:

        def start(video: Path | None = None) -> Any:
            if video not in browsers:
                shown = () if video is None else (f"--use-file-for-fake-video-capture={video}",)
                browsers[video] = playwright.chromium.launch(executable_path=chromium, args=[*_CALM, *shown])
            return browsers[video]

        yield start
        for browser in browsers.values():
            browser.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[Stage]:
    """What the box's camera sees."""
    stage = Stage(tmp_path_factory.mktemp("stage"))
    yield stage
    stage.close()


def _starting(folders: pytest.TempPathFactory, edge: Any) -> Iterator[Callable[..., Served]]:
    running = []

    def start(*options: object, token: str | None = None) -> Served:
        store = folders.mktemp("box") / "shop.tosca"
        assert edge("init", store).code == 0
        running.append(Served(store, child_environment(), *options, token=token))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def serve(
    tmp_path_factory: pytest.TempPathFactory, edge: Any, chromium: str
) -> Iterator[Callable[..., Served]]:
    """Start `edge-tosca serve` on a new store: serve("--camera", folder); it ends with the test.

    One that ran on would take a part of the processor with its camera from all tests after it.
    """
    yield from _starting(tmp_path_factory, edge)


@pytest.fixture(scope="module")
def serve_all(
    tmp_path_factory: pytest.TempPathFactory, edge: Any, chromium: str
) -> Iterator[Callable[..., Served]]:
    """Start one that all tests of a module share; it ends after them."""
    yield from _starting(tmp_path_factory, edge)


@pytest.fixture(scope="module")
def box(serve_all: Callable[..., Served], stage: Stage) -> Served:
    """A box with a camera, which all tests of a module share."""
    return serve_all("--camera", stage.folder)


@pytest.fixture
def visit(open_browser: Callable[..., Any]) -> Iterator[Callable[..., Technician]]:
    """Open the page of a box as somebody would: visit(box, PHONE).

    At the end no visit may have asked for anything beyond the box, nor left an error in the console.
    """
    visits = []

    def begin(
        box: Served,
        device: dict[str, Any] = DESKTOP,
        *,
        video: Path | None = None,
        refusals: tuple[int, ...] = (),
        **options: Any,
    ) -> Technician:
        context = open_browser(video).new_context(**{"locale": "en-GB", **device, **options})
        technician = Technician(context, box.url, refusals)
        visits.append((context, technician))
        return technician

    yield begin
    for context, technician in visits:
        context.close()
        technician.check()
