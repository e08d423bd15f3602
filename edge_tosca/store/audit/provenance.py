"""The provenance of a change: by which user, when, and with which programs it was made."""

import os
import platform
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from edge_tosca.version import __version__, package_version

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def now() -> str:
    """Return the time as ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def provenance(settings: Mapping[str, str]) -> dict[str, object]:
    """Describe the present user, time and programs.

    A device may have a wrong clock. So the boot is named too, and the seconds since then: within one boot
    they only grow, whatever is done to the clock.

    Args:
        settings: of the store; "name" and "role" of a user of the console beside them.

    Returns:
        Values that JSON can hold: "name" and "role" where they are given, "user", "host", "at" (ISO 8601,
        UTC), "boot" (the kernel's id of the boot, "" where there is none), "since_boot" (seconds, suspension
        included), "versions" by package, "origin" and "backbone" of the features.
    """
    runtime = settings.get("runtime", "")
    return {
        **{key: settings[key] for key in ("name", "role") if key in settings},
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

    # Not from the environment, which any user can set.
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
