"""Spoil values inside a JSON text, so that what is read after the parser gets something to judge."""

import copy
import json
import random
from typing import Any

_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2, 255, 65536, 2**31, 2**32, 2**53 + 1, 2**63, 2**64, 10**40, 1e308, -0.0,
    float("nan"), float("inf"), "", " ", "\0", "a\nb", "\x1b[31m", "../..", "/etc/passwd", "\ud800", "\u2028",
    "9" * 400, "F16", "F64", "BOOL", "0" * 64, "2026-01-01", "9999-12-31T23:59:59+14:00",
    [], {}, [0], [[]], [0, 0], [2**62, 0], [0, 2**63], [1, 1280], {"": 0},
)  # fmt: skip

_LARGE = 10**300


def change_json(text: bytes, chance: random.Random, depth: int = 0) -> bytes:
    """Change a few values of a JSON text; of one that is none, nothing.

    Args:
        text: JSON.
        chance: decides.
        depth: of JSON texts inside JSON texts.

    Returns:
        JSON again.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        value = _changed(value, chance, depth)
    return json.dumps(value, separators=(",", ":")).encode()


def change_header(data: bytes, chance: random.Random) -> bytes:
    """Change the JSON header of a file in the safetensors format, and correct its length.

    Args:
        data: the file.
        chance: decides.

    Returns:
        The file with another header and the same arrays.
    """
    length = int.from_bytes(data[:8], "little")
    header = change_json(data[8 : 8 + length], chance)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


def _changed(value: Any, chance: random.Random, depth: int) -> Any:
    """Walk down to one value and change it."""
    places = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    if not places or chance.random() < 0.08:
        return _other(value, chance, depth)
    place = chance.choice(list(places))
    deed = chance.random()
    if deed < 0.06:
        del value[place]
    elif deed < 0.12:
        other = chance.choice(list(places))
        value[place], value[other] = value[other], value[place]
    elif deed < 0.17 and isinstance(value, dict):
        value[chance.choice((f"{place}x", "", "__metadata__", str(place)[:-1]))] = copy.deepcopy(value[place])
    elif deed < 0.2 and isinstance(value, list):
        value += copy.deepcopy(value) * chance.choice((1, 1, 49))
    else:
        value[place] = _changed(value[place], chance, depth)
    return value


def _other(value: Any, chance: random.Random, depth: int) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "[") and depth < 2 and chance.random() < 0.8:
        return change_json(value.encode(), chance, depth + 1).decode()
    if isinstance(value, str) and value and chance.random() < 0.5:
        at = chance.randrange(len(value))
        return (
            value[:at] + chance.choice(("", "\n", "\0", "é", "x", value, value[at] * 300)) + value[at + 1 :]
        )
    if isinstance(value, int | float) and not isinstance(value, bool) and chance.random() < 0.5:
        # Changed again and again a number outgrows what Python turns into a float or a text.
        value = min(max(value, -_LARGE), _LARGE)
        return chance.choice(
            (value + 1, value - 1, -value, value * 2, value * 10**9, float(value), str(value))
        )
    if chance.random() < 0.02:
        nested: Any = 0
        for _ in range(chance.choice((10, 400))):
            nested = [nested]
        return nested
    # A copy: what is changed again must not be the list of odd values itself.
    return copy.deepcopy(chance.choice(_ODD))
