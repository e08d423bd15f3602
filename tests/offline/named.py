"""A pytest plugin that names the tests during which the kernel counted packets with nowhere to go."""

from collections.abc import Iterator

import pytest
from tests.offline.ways import nowhere_to_go

_counted: dict[str, int] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    before = nowhere_to_go()
    result = yield
    if packets := nowhere_to_go() - before:
        _counted[item.nodeid] = packets
    return result


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for test, packets in _counted.items():
        terminalreporter.write_line(f"{packets} packets had nowhere to go during {test}")
