"""MQTT discovery messages, from which Home Assistant sets up a device without configuration.

Source: Home Assistant's documentation, "MQTT", section "MQTT Discovery". One message for each entity, which
older versions read, too.
"""

import hashlib
import json
from typing import Any
from urllib.parse import quote

from edge_tosca.live.events import WHOLE, Place

_MAX_STATE_LENGTH = 255


def discovery_messages(
    prefix: str, discovery: str, version: str, place: Place = WHOLE, *, look: bool = False
) -> dict[str, str]:
    """Return the discovery messages of a region's entities.

    Args:
        prefix: of the device's topics.
        discovery: prefix that Home Assistant listens on, "homeassistant" by default.
        version: of edge-tosca.
        place: the camera and the region.
        look: with a button that asks for a look.

    Returns:
        Topic to the JSON that is published on it, retained.
    """
    device = device_name(prefix)
    state = state_topic(prefix, place)
    common = {
        "availability_topic": f"{prefix}/availability",
        "state_topic": state,
        "qos": 1,
        "device": {
            "identifiers": [device],
            "name": prefix.rpartition("/")[2] or prefix,
            "manufacturer": "edge-tosca",
            "model": "camera that is taught on the device",
            "sw_version": version,
        },
        "origin": {"name": "edge-tosca", "sw_version": version},
    }
    entities: dict[tuple[str, str], dict[str, Any]] = {
        ("sensor", "label"): {
            "name": "Label",
            "icon": "mdi:eye",
            # Home Assistant rejects a longer state.
            "value_template": f"{{{{ value_json.label[:{_MAX_STATE_LENGTH}] }}}}",
            "json_attributes_topic": state,
        },
        ("sensor", "confidence"): {
            "name": "Confidence",
            "icon": "mdi:gauge",
            "unit_of_measurement": "%",
            "state_class": "measurement",
            "value_template": "{{ (value_json.confidence * 100) | round(1) }}",
        },
        ("binary_sensor", "unknown"): {
            "name": "Unknown",
            "icon": "mdi:help-circle-outline",
            "payload_on": "ON",
            "payload_off": "OFF",
            "value_template": "{{ 'ON' if value_json.unknown else 'OFF' }}",
        },
    }
    button = {
        **{key: common[key] for key in ("availability_topic", "qos", "device", "origin")},
        "name": "Look",
        "icon": "mdi:eye-refresh",
        "command_topic": look_topic(prefix),
        "payload_press": "/".join(place),
    }
    # The names of a box with one region are those of earlier versions.
    title, suffix = ("", "") if place == WHOLE else (" ".join(place) + " ", f"_{_short(place)}")
    messages = {key: {**common, **entity} for key, entity in entities.items()}
    if look:
        messages[("button", "look")] = button
    return {
        f"{discovery}/{kind}/{device}/{name}{suffix}/config": json.dumps(
            {**message, "name": title + message["name"], "unique_id": f"{device}_{name}{suffix}"}
        )
        for (kind, name), message in messages.items()
    }


def state_topic(prefix: str, place: Place) -> str:
    """Return the topic of a region's state.

    Args:
        prefix: of the device's topics.
        place: the camera and the region.

    Returns:
        PREFIX/state for the whole frame of a camera without a name, else PREFIX/CAMERA/REGION/state with
        percent codes for what a topic cannot have.
    """
    levels = [] if place == WHOLE else [quote(name, safe=" ") for name in place]
    return "/".join([prefix, *levels, "state"])


def look_topic(prefix: str) -> str:
    """Return the topic on which a look is asked for."""
    return f"{prefix}/look"


def _short(place: Place) -> str:
    return hashlib.sha256("/".join(place).encode()).hexdigest()[:8]


def device_name(prefix: str) -> str:
    """Return the name of a device, in the characters that discovery topics may have.

    Args:
        prefix: of the device's topics.

    Returns:
        A name that depends on the prefix only.
    """
    return f"edge_tosca_{hashlib.sha256(prefix.encode()).hexdigest()[:12]}"
