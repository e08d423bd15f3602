"""A request for a look that comes by MQTT, and the button that sends it."""

import json
from contextlib import closing

import pytest

from edge_tosca.live import Place
from edge_tosca.watch import Broker, Publisher
from edge_tosca.watch.home_assistant import discovery_messages


def test_a_message_on_the_topic_look_asks_for_a_look_and_a_retained_one_does_not(mosquitto, eventually):
    from paho.mqtt.publish import single

    broker, asked = mosquitto(), []
    where = {"hostname": "127.0.0.1", "port": broker.port, "qos": 1}
    single("box/look", "old", retain=True, **where)
    url = f"mqtt://127.0.0.1:{broker.port}/box"
    with closing(Publisher(Broker.parse(url), pytest.fail, on_look=asked.append)) as publisher:
        eventually(lambda: publisher._client.is_connected())

        def sent():
            single("box/look", "gate/left", **where)
            return asked

        eventually(sent)
        single("box/look", "x" * 1000, **where)
        single("box/look", "", **where)
        eventually(lambda: asked[-1] == "")
    assert set(asked) == {"gate/left", ""}


def test_home_assistant_gets_a_button_where_a_look_can_be_asked_for():
    places = [Place("gate", "left"), Place("gate", "right")]
    messages = discovery_messages("box", "homeassistant", "1", places, look=True)
    buttons = [json.loads(text) for topic, text in messages.items() if "/button/" in topic]
    assert [(one["command_topic"], one["payload_press"]) for one in buttons] == [
        ("box/look", "gate/left"),
        ("box/look", "gate/right"),
    ]
    assert not any("state_topic" in one for one in buttons)
    assert not any("/button/" in topic for topic in discovery_messages("box", "homeassistant", "1", places))
