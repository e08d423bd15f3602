"""MQTT discovery messages, from which Home Assistant sets up a device without configuration.

Source: Home Assistant's documentation, "MQTT", section "MQTT Discovery". One message for each entity, which
older versions read, too.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from edge_tosca.live import Place
from edge_tosca.live.place import DEFAULT

_MAX_STATE_LENGTH = 255


def discovery_messages(
    prefix: str,
    discovery: str,
    version: str,
    places: Sequence[Place] = (DEFAULT,),
    *,
    look: bool = False,
) -> dict[str, str]:
    """Return the discovery messages of a device's entities.

    Args:
        prefix: of the device's topics.
        discovery: prefix that Home Assistant listens on, "homeassistant" by default.
        version: of edge-tosca.
        places: the regions; each has entities of its own.
        look: with a button for each region that asks for a look.

    Returns:
        Topic to the JSON that is published on it, retained.
    """
    found: dict[str, str] = {}
    for place in places:
        found |= _messages_of(prefix, discovery, version, place, list(places) == [DEFAULT], look)
    return found


def state_topic(prefix: str, place: Place) -> str:
    """Return the topic of a region's answers: the whole frame of the camera "main" has the device's own.

    Args:
        prefix: of the device's topics.
        place: the region.
    """
    return f"{prefix}/state" if place == DEFAULT else f"{prefix}/{place.camera}/{place.region}/state"


def availability_topic(prefix: str, place: Place) -> str:
    """Return the topic of whether a region has answers, of a device that has several regions.

    Args:
        prefix: of the device's topics.
        place: the region.
    """
    return f"{prefix}/{place.camera}/{place.region}/availability"


def look_topic(prefix: str) -> str:
    """Return the topic on which a look is asked for.

    Args:
        prefix: of the device's topics.
    """
    return f"{prefix}/look"


def _messages_of(
    prefix: str, discovery: str, version: str, place: Place, alone: bool, look: bool
) -> dict[str, str]:
    device = device_name(prefix)
    topic = state_topic(prefix, place)
    whole = {"availability_topic": f"{prefix}/availability"}
    both = [{"topic": f"{prefix}/availability"}, {"topic": availability_topic(prefix, place)}]
    common = {
        **(whole if alone else {"availability": both, "availability_mode": "all"}),
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
    # Discovery topics have few characters, a region's name may have any.
    before = "" if place == DEFAULT else f"{_digest('/'.join(place))[:8]}_"
    named = "" if place == DEFAULT else f"{place.camera} {place.region} "
    state = {"state_topic": topic}
    entities: dict[tuple[str, str], dict[str, Any]] = {
        ("sensor", "label"): {
            **state,
            "name": f"{named}Label",
            "icon": "mdi:eye",
            # Home Assistant rejects a longer state.
            "value_template": f"{{{{ value_json.label[:{_MAX_STATE_LENGTH}] }}}}",
            "json_attributes_topic": topic,
        },
        ("sensor", "confidence"): {
            **state,
            "name": f"{named}Confidence",
            "icon": "mdi:gauge",
            "unit_of_measurement": "%",
            "state_class": "measurement",
            "value_template": "{{ (value_json.confidence * 100) | round(1) }}",
        },
        ("binary_sensor", "unknown"): {
            **state,
            "name": f"{named}Unknown",
            "icon": "mdi:help-circle-outline",
            "payload_on": "ON",
            "payload_off": "OFF",
            "value_template": "{{ 'ON' if value_json.unknown else 'OFF' }}",
        },
    }
    if look:
        entities["button", "look"] = {
            "name": f"{named}Look",
            "icon": "mdi:eye-refresh",
            "command_topic": look_topic(prefix),
            "payload_press": "/".join(place),
        }
    return {
        f"{discovery}/{kind}/{device}/{before}{name}/config": json.dumps(
            {**common, **entity, "unique_id": f"{device}_{before}{name}"}
        )
        for (kind, name), entity in entities.items()
    }


def device_name(prefix: str) -> str:
    """Return the name of a device, in the characters that discovery topics may have.

    Args:
        prefix: of the device's topics.

    Returns:
        A name that depends on the prefix only.
    """
    return f"edge_tosca_{_digest(prefix)[:12]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
