"""What makes Home Assistant show a box by itself: MQTT discovery.

Source: Home Assistant's documentation, "MQTT", section "MQTT Discovery"; one message for each entity,
which older versions read, too.
"""

import hashlib
import json
from typing import Any

_LONGEST_STATE = 255


def discovery_messages(prefix: str, discovery: str, version: str) -> dict[str, str]:
    """Describe the entities of a box.

    Args:
        prefix: of the box's topics.
        discovery: prefix that Home Assistant listens on; "homeassistant" unless it was told another.
        version: of edge-tosca.

    Returns:
        JSON by the topic on which it is published, retained.
    """
    box = box_of(prefix)
    common = {
        "availability_topic": f"{prefix}/availability",
        "state_topic": f"{prefix}/state",
        "qos": 1,
        "device": {
            "identifiers": [box],
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
            # A longer state is an error there.
            "value_template": f"{{{{ value_json.label[:{_LONGEST_STATE}] }}}}",
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
        f"{discovery}/{kind}/{box}/{name}/config": json.dumps(
            {**common, **entity, "unique_id": f"{box}_{name}"}
        )
        for (kind, name), entity in entities.items()
    }


def box_of(prefix: str) -> str:
    """Name a box by its prefix, in the letters that discovery topics may have.

    Args:
        prefix: of the box's topics.

    Returns:
        The same name whenever the prefix is the same.
    """
    return f"edge_tosca_{hashlib.sha256(prefix.encode()).hexdigest()[:12]}"
