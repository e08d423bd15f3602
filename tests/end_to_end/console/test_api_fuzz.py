"""The API, asked whatever its own description allows and forbids: it never fails, and says what it promised.

`FUZZ_API_EXAMPLES=500` asks for longer than the few examples of the suite; the number of requests is printed.
"""

import itertools
import os
import threading
import time
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from edge_tosca.console.app import create_app
from edge_tosca.console.http.connections import PatientProtocol
from edge_tosca.console.http.limits import Rates
from edge_tosca.console.options import Options

EXAMPLES = int(os.environ.get("FUZZ_API_EXAMPLES", "4"))
PICTURE_TYPES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}

CONFIG = SchemathesisConfig.from_dict(
    {
        "checks": {
            # What is a picture, a pack or a class cannot be said in a schema, so much of it is refused.
            "positive_data_acceptance": {"enabled": False},
            "negative_data_rejection": {
                "expected-statuses": [400, 401, 403, 404, 405, 409, 413, 415, 422, 429]
            },
        },
    }
)


def _picture(kind, seed, size):
    pixels = np.random.default_rng(seed).integers(0, 255, (*size, 3), dtype=np.uint8)
    content = BytesIO()
    Image.fromarray(pixels).save(content, kind)
    return content.getvalue()


for media_type, kind in PICTURE_TYPES.items():
    sizes = st.tuples(st.integers(1, 64), st.integers(1, 64))
    schemathesis.openapi.media_type(
        media_type, st.one_of(st.builds(_picture, st.just(kind), st.integers(0, 9), sizes), st.binary())
    )


@pytest.fixture(scope="module")
def described(taught, copy_store, tmp_path_factory):
    """The schema of a console that really listens, and how many requests it answered."""
    store = copy_store(taught, tmp_path_factory.mktemp("fuzz") / "shop.tosca")
    ticks = itertools.count()
    # Its clock runs with the requests: what is fuzzed is not the limit of their rate.
    app = create_app(Options(store, port=0), Rates(lambda: float(next(ticks))))
    server = uvicorn.Server(uvicorn.Config(app, port=0, http=PatientProtocol, ws="none", log_config=None))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    host, port = server.servers[0].sockets[0].getsockname()[:2]
    yield schemathesis.openapi.from_url(f"http://{host}:{port}/api/v1/openapi.json", config=CONFIG)
    print(f"\n{server.server_state.total_requests} requests")
    server.should_exit = True
    thread.join(60)
    assert not thread.is_alive()


# The live events do not end while somebody listens; the doctor takes seconds each time. Other tests ask them.
NOT_FUZZED = {"/api/v1/live/events", "/api/v1/live/tiles/events", "/api/v1/doctor"}


def _body_types(about):
    return about.get("requestBody", {}).get("content", {})


DESCRIBED = create_app(Options(Path("none.tosca"))).openapi()["paths"]
QUESTIONS = [
    (method, path, mode)
    for path, methods in DESCRIBED.items()
    for method, about in methods.items()
    for mode in GenerationMode
    if path not in NOT_FUZZED
    # Nothing can be asked wrongly where nothing can be said, or any bytes.
    and (mode.is_positive or about.get("parameters") or "application/json" in _body_types(about))
]


@pytest.mark.parametrize(("method", "path", "mode"), QUESTIONS)
def test_the_answer_is_as_described_and_never_a_server_error(described, method, path, mode):
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        # The same questions in each run of the suite; a longer run draws its own.
        derandomize="FUZZ_API_EXAMPLES" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=described[path][method].as_strategy(generation_mode=mode))
    def ask(case):
        case.call_and_validate(timeout=60)

    ask()


def test_the_description_itself_is_served_and_no_page_of_it_that_would_load_scripts(described):
    base = described.location.removesuffix("openapi.json")
    assert httpx.get(f"{base}openapi.json").json()["openapi"].startswith("3.")
    for name in ("docs", "redoc"):
        assert httpx.get(f"{base}{name}").status_code == 404
        assert httpx.get(f"{base}../../{name}").status_code == 404
