"""Judge MQTT discovery messages by Home Assistant's own schemas, in an environment with its package.

`judge.py MESSAGES.json COUNT`: topic to payload, and the number of entities that there must be.
"""

import json
import sys
from importlib import import_module
from pathlib import Path

import voluptuous as vol
from homeassistant.components.mqtt.discovery import TOPIC_MATCHER
from homeassistant.const import __version__
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST_STATE = 255


def judged(kind: str, entity: dict[str, object]) -> dict[str, object]:
    """Return an entity as Home Assistant's schema of its kind reads it; an error names what is wrong."""
    schema = import_module(f"homeassistant.components.mqtt.{kind}").DISCOVERY_SCHEMA
    return dict(schema(entity))


def require_refusal(kind: str, entity: dict[str, object]) -> None:
    """Require that the schema refuses an entity; one that accepts anything would show nothing."""
    try:
        judged(kind, entity)
    except vol.Invalid:
        return
    raise AssertionError(f"{kind}: the schema accepts {entity}")


def state_of(entity: dict[str, object], messages: dict[str, str]) -> str:
    """Return the state that an entity shows after the state message on its topic."""
    template = ImmutableSandboxedEnvironment().from_string(str(entity["value_template"]))
    return template.render(value_json=json.loads(messages[str(entity["state_topic"])]))


def main() -> None:
    """Judge every message."""
    messages = json.loads(Path(sys.argv[1]).read_text())
    topics = [topic for topic in messages if topic.endswith("/config")]
    ids, states = set(), []
    for topic in topics:
        prefix, _, rest = topic.partition("/")
        found = TOPIC_MATCHER.match(rest)
        assert prefix == "homeassistant" and found is not None, topic
        entity = json.loads(messages[topic])
        kind = found.group("component")
        judged(kind, entity)
        require_refusal(kind, {**entity, "qos": 7})
        require_refusal(kind, {**entity, "unique_id": ["no", "text"]})
        ids.add(entity["unique_id"])
        for source in entity.get("availability", [{"topic": entity.get("availability_topic")}]):
            assert messages[source["topic"]] == "online", source
        if kind == "button":
            assert not entity["command_topic"].endswith("/state")
            continue
        states.append(f"{entity['name']}: {state_of(entity, messages)}")
        assert len(state_of(entity, messages)) <= LONGEST_STATE
    assert len(topics) == len(ids) == int(sys.argv[2]), f"{len(topics)} entities, {len(ids)} ids"
    print("\n".join(sorted(state[:80] for state in states)))
    print(f"{len(topics)} entities, as Home Assistant {__version__} reads them")


if __name__ == "__main__":
    main()
