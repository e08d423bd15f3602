"""Examine what slows a device down: heat, throttling, a weak power supply, a low clock."""

from collections.abc import Iterator
from pathlib import Path

from edge_tosca.devices.findings import Finding
from edge_tosca.devices.processor import text
from edge_tosca.devices.profiles import Profile

_NOT_REPORTED = "not reported by this system"
_NEAR_LIMIT = 5.0
_USUAL_LIMIT = 85.0

# Bits of the Raspberry Pi firmware's get_throttled; 16 bits higher: has occurred since boot.
_BITS = {
    0: "the supply's voltage is too low",
    1: "the clock is capped",
    2: "throttled",
    3: "at the soft limit",
}
_POWER = "use the power supply made for this board and a short cable"
_FIRMWARE = (
    "sys/devices/platform/*firmware*/get_throttled",
    "sys/devices/platform/*/*firmware*/get_throttled",
)

# The governor powersave of these drivers follows the load; of every other driver it is the lowest clock.
_DRIVERS_WITH_PREFERENCES = ("intel_pstate", "amd-pstate-epp")


def examine_throttling(profile: Profile, root: Path = Path("/")) -> Iterator[Finding]:
    """Examine temperature, throttling, power supply and clock; best directly after some load.

    Args:
        profile: of the machine, for its advice.
        root: the folder that holds sys.

    Yields:
        The findings, also for values that the system does not report.
    """
    yield _temperature(profile, root)
    yield _throttling(profile, root)
    yield _governor(profile, root)


def _temperature(profile: Profile, root: Path) -> Finding:
    zones = [
        (celsius, zone)
        for zone in sorted(root.glob("sys/class/thermal/thermal_zone*"))
        if (celsius := _number(zone / "temp", 1e-3)) is not None
    ]
    if not zones:
        return Finding("temperature", True, _NOT_REPORTED, values={"celsius": None}, measured=False)
    celsius, zone = max(zones, key=lambda pair: pair[0])
    limit = _limit(zone)
    hot = celsius >= limit - _NEAR_LIMIT
    return Finding(
        "temperature",
        not hot,
        f"{celsius:.0f} degrees Celsius ({text(zone / 'type') or zone.name}); it slows down at {limit:.0f}",
        f"cool it: {profile.cooling}" if hot else "",
        {"celsius": celsius, "limit": limit},
    )


def _limit(zone: Path) -> float:
    """Return the temperature at which the kernel begins to throttle; at "critical" it shuts down."""
    points = [
        celsius
        for kind in sorted(zone.glob("trip_point_*_type"))
        if text(kind) in ("passive", "hot")
        and (celsius := _number(kind.with_name(kind.name.replace("_type", "_temp")), 1e-3)) is not None
        and celsius > 0
    ]
    return min(points, default=_USUAL_LIMIT)


def _throttling(profile: Profile, root: Path) -> Finding:
    unknown = Finding("throttling", True, _NOT_REPORTED, measured=False)
    return _firmware(profile, root) or _counters(profile, root) or _supply(root) or unknown


def _counters(profile: Profile, root: Path) -> Finding | None:
    """Read Intel's counters of throttling since the system started."""
    events = [
        value
        for path in root.glob("sys/devices/system/cpu/cpu*/thermal_throttle/*_throttle_count")
        if (value := _number(path)) is not None
    ]
    if not events:
        return None
    count = int(max(events))
    words = f"{count} times since the system started" if count else "never since the system started"
    return Finding("throttling", True, words, profile.cooling if count else "", {"events": count})


def _supply(root: Path) -> Finding | None:
    """Read the state of the supply, all that Linux's own driver for the Raspberry Pi reports."""
    for chip in sorted(root.glob("sys/class/hwmon/hwmon*")):
        if text(chip / "name") == "rpi_volt" and (alarm := _number(chip / "in0_lcrit_alarm")) is not None:
            low = bool(alarm)
            words = _BITS[0] if low else "the supply's voltage is right"
            return Finding("throttling", not low, words, _POWER if low else "", {"under_voltage": low})
    return None


def _firmware(profile: Profile, root: Path) -> Finding | None:
    """Read the bits of vcgencmd get_throttled, from the file of the Raspberry Pi's kernel."""
    for path in (path for pattern in _FIRMWARE for path in sorted(root.glob(pattern))):
        try:
            return _firmware_finding(int(text(path), 16), profile)
        except ValueError:
            continue
    return None


def _firmware_finding(bits: int, profile: Profile) -> Finding:
    now = [words for bit, words in _BITS.items() if bits >> bit & 1]
    since = [words for bit, words in _BITS.items() if bits >> (bit + 16) & 1 and words not in now]
    parts = [f"now: {', '.join(now)}"] if now else []
    parts += [f"since it started: {', '.join(since)}"] if since else []
    remedies = [_POWER] if bits & 0x10001 else []
    remedies += [profile.cooling] if bits & 0xE000E else []
    return Finding(
        "throttling",
        not now,
        f"{'; '.join(parts) or 'never since the system started'} (firmware reports {bits:#x})",
        "; ".join(remedies),
        {"firmware": bits, "under_voltage": bool(bits & 1), "throttled": bool(bits & 0xE)},
    )


def _governor(profile: Profile, root: Path) -> Finding:
    clock = root / "sys/devices/system/cpu/cpu0/cpufreq"
    governor, driver = text(clock / "scaling_governor"), text(clock / "scaling_driver")
    if not governor:
        return Finding("governor", True, _NOT_REPORTED, values={"governor": None}, measured=False)
    lowest = governor == "powersave" and driver not in _DRIVERS_WITH_PREFERENCES
    allowed, highest = _number(clock / "scaling_max_freq", 1e-3), _number(clock / "cpuinfo_max_freq", 1e-3)
    capped = allowed is not None and highest is not None and allowed < highest
    clocks = "" if highest is None else f", up to {allowed or highest:.0f} of {highest:.0f} MHz"
    remedies = [f"{profile.governor} To set it: {_set('scaling_governor', 'performance')}"] if lowest else []
    remedies += (
        [f"let the clock rise: {_set('scaling_max_freq', f'{1e3 * (highest or 0):.0f}')}"] if capped else []
    )
    if not remedies and governor == "ondemand":
        remedies = [profile.governor]
    return Finding(
        "governor",
        not lowest,
        f"{governor}{f' of {driver}' if driver else ''}{clocks}",
        "; ".join(remedies),
        {"governor": governor, "driver": driver, "megahertz": allowed, "highest_megahertz": highest},
    )


def _set(name: str, value: str) -> str:
    return f"echo {value} | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/{name}"


def _number(path: Path, scale: float = 1.0) -> float | None:
    try:
        return scale * float(text(path))
    except ValueError:
        return None
