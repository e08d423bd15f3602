"""Who changed a store, when, and with which programs: what an audit wants to know of every change."""

import os
import platform
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from edge_tosca.version import __version__, package_version

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def now() -> str:
    """Give the time as ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def provenance(settings: Mapping[str, str]) -> dict[str, object]:
    """Tell who is at work, when, and with what.

    A box may have lost the time of day. So the boot is named too, and how long it lasts already: within one
    boot these seconds only grow, whatever is done to the clock.

    Args:
        settings: of the store.

    Returns:
        Plain values: "user", "host", "at" (ISO 8601, UTC), "boot" (the kernel's id of it, "" where there is
        none), "since_boot" (seconds, suspension included), "versions" by package, "origin" and "backbone" of
        the features.
    """
    runtime = settings.get("runtime", "")
    return {
        "user": _user(),
        "host": platform.node(),
        "at": now(),
        "boot": _boot(),
        "since_boot": round(_since_boot(), 3),
        "versions": {
            "edge-tosca": __version__,
            "python": platform.python_version(),
            "numpy": package_version("numpy"),
            **({runtime: package_version(runtime)} if runtime else {}),
        },
        "origin": settings.get("origin", ""),
        "backbone": settings.get("backbone", ""),
    }


def _user() -> str:
    import pwd

    # Not from the environment, where anybody can be anybody.
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return ""


def _since_boot() -> float:
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)
