"""MQTT discovery messages, from which Home Assistant sets up a device without configuration.

Source: Home Assistant's documentation, "MQTT", section "MQTT Discovery". One message for each entity, which
older versions read, too.
"""

import hashlib
import json
from typing import Any

_MAX_STATE_LENGTH = 255


def discovery_messages(prefix: str, discovery: str, version: str) -> dict[str, str]:
    """Return the discovery messages of a device's entities.

    Args:
        prefix: of the device's topics.
        discovery: prefix that Home Assistant listens on, "homeassistant" by default.
        version: of edge-tosca.

    Returns:
        Topic to the JSON that is published on it, retained.
    """
    device = device_name(prefix)
    common = {
        "availability_topic": f"{prefix}/availability",
        "state_topic": f"{prefix}/state",
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
            "json_attributes_topic": f"{prefix}/state",
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
    return {
        f"{discovery}/{kind}/{device}/{name}/config": json.dumps(
            {**common, **entity, "unique_id": f"{device}_{name}"}
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
    return f"edge_tosca_{hashlib.sha256(prefix.encode()).hexdigest()[:12]}"
