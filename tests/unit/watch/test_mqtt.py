"""What a real Mosquitto is told: the state, whether it holds, and what Home Assistant needs."""

import json
import re
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace

import pytest

from edge_tosca import Learner
from edge_tosca.errors import EdgeToscaError
from edge_tosca.live.place import DEFAULT, Place
from edge_tosca.watch import Broker, Publisher
from edge_tosca.watch.home_assistant import discovery_messages
from edge_tosca.watch.mqtt import REPEAT_SECONDS, _client_id


@pytest.fixture
def publish():
    running = []

    def begin(url, on_event=lambda _: None):
        publisher = Publisher(Broker.parse(url), on_event)
        running.append(publisher)
        return publisher

    yield begin
    for publisher in running:
        publisher.close()


def test_state_and_availability_are_retained_and_the_end_is_told(
    mosquitto, listen, publish, change, eventually
):
    broker = mosquitto()
    publisher = publish(f"mqtt://127.0.0.1:{broker.port}/hall/box")
    publisher.available({DEFAULT: True})
    publisher.change(change("mug"))
    heard = listen(broker)
    eventually(lambda: "hall/box/state" in heard and heard.get("hall/box/availability") == "online")
    state = json.loads(heard["hall/box/state"])
    assert (state["label"], state["confidence"], state["unknown"]) == ("mug", 0.875, False)
    publisher.change(change("pen", unknown=True))
    eventually(lambda: json.loads(heard["hall/box/state"])["label"] == "pen")
    publisher.available({DEFAULT: False})
    eventually(lambda: heard["hall/box/availability"] == "offline")
    publisher.available({DEFAULT: True})
    eventually(lambda: heard["hall/box/availability"] == "online")
    publisher.close()
    eventually(lambda: heard["hall/box/availability"] == "offline")
    # Whoever comes later hears the same, because it is retained.
    later = listen(broker)
    eventually(lambda: later.get("hall/box/availability") == "offline")
    assert json.loads(later["hall/box/state"])["label"] == "pen"


def test_over_tls_a_broker_is_told_that_a_known_authority_vouches_for(
    mosquitto, listen, publish, change, eventually
):
    broker = mosquitto()
    publisher = publish(f"mqtts://127.0.0.1:{broker.tls_port}/box?ca={broker.cert}")
    publisher.change(change("mug"))
    heard = listen(broker)
    eventually(lambda: "box/state" in heard)
    assert json.loads(heard["box/state"])["label"] == "mug"


def test_over_tls_a_broker_that_nobody_vouches_for_is_told_nothing(
    mosquitto, listen, publish, change, eventually
):
    broker, told = mosquitto(), []
    publisher = publish(f"mqtts://127.0.0.1:{broker.tls_port}/box", told.append)
    publisher.change(change("mug"))
    heard = listen(broker)
    eventually(lambda: told)
    assert "certificate" in told[0]
    assert heard == {}


def test_a_watch_that_is_told_to_end_says_that_the_box_is_gone(
    mosquitto, listen, eventually, tmp_path, draw_pictures
):
    store, frames = tmp_path / "shop.tosca", tmp_path / "frames.mjpeg"
    photos = draw_pictures(tmp_path / "photos", ["apple", "brick"])
    with closing(Learner.create(store)) as learner:
        learner.learn(photos)
    frames.write_bytes(b"".join(path.read_bytes() for path in (photos / "apple").iterdir()))
    broker = mosquitto()
    heard = listen(broker)
    camera, url = f"{frames}?fps=12&loop=1", f"mqtt://127.0.0.1:{broker.port}/box"
    command = [sys.executable, "-m", "edge_tosca", "watch", store, "--camera", camera, "--mqtt", url]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as watch:
        eventually(lambda: heard.get("box/availability") == "online" and "box/state" in heard)
        watch.terminate()
        assert (watch.wait(60), watch.stderr.read()) == (0, b"")
    assert json.loads(heard["box/state"])["label"] == "apple"
    eventually(lambda: heard["box/availability"] == "offline")


def test_home_assistant_finds_three_entities_of_one_device(mosquitto, listen, publish, eventually):
    broker = mosquitto()
    publish(f"mqtt://127.0.0.1:{broker.port}/hall/box")
    heard = listen(broker)
    eventually(lambda: len([topic for topic in heard if topic.endswith("/config")]) == 3)
    found = {topic: json.loads(text) for topic, text in heard.items() if topic.endswith("/config")}
    kinds = sorted(topic.split("/")[1] + " " + topic.split("/")[3] for topic in found)
    assert kinds == ["binary_sensor unknown", "sensor confidence", "sensor label"]
    for topic, entity in found.items():
        assert re.fullmatch(r"homeassistant/(sensor|binary_sensor)/[a-zA-Z0-9_-]+/[a-z]+/config", topic)
        assert entity["state_topic"] == "hall/box/state"
        assert entity["availability_topic"] == "hall/box/availability"
        assert entity["device"]["name"] == "box"
        assert entity["origin"]["name"] == "edge-tosca"
    assert len({entity["unique_id"] for entity in found.values()}) == 3
    assert len({str(entity["device"]["identifiers"]) for entity in found.values()}) == 1


def test_two_boxes_are_two_devices_and_one_box_stays_itself():
    once, again, other = (
        discovery_messages(prefix, "homeassistant", "1") for prefix in ("hall/a", "hall/a", "hall/b")
    )
    assert once == again
    assert not set(once) & set(other)


def test_each_connection_has_an_id_of_its_own_that_every_broker_takes():
    ids = {_client_id("hall/box") for _ in range(100)}
    assert len(ids) == 100
    assert all(re.fullmatch(r"[0-9A-Za-z_]{1,23}", one) for one in ids)


def test_the_last_will_of_one_that_was_here_before_is_corrected(mosquitto, listen, publish, eventually):
    from paho.mqtt.publish import single

    broker = mosquitto()
    heard = listen(broker)
    publisher = publish(f"mqtt://127.0.0.1:{broker.port}/box")
    publisher.available({DEFAULT: True})
    eventually(lambda: heard.get("box/availability") == "online")
    # As the broker does for a connection that broke off without a word.
    single("box/availability", "offline", retain=True, hostname="127.0.0.1", port=broker.port)
    eventually(lambda: heard["box/availability"] == "offline")
    # The time of day itself is not moved: the client's own thread would take its connection for dead.
    due = publisher._repeat_at - time.monotonic()
    assert 0 < due <= REPEAT_SECONDS
    publisher._repeat_at = time.monotonic()
    publisher.available({DEFAULT: True})
    eventually(lambda: heard["box/availability"] == "online")


def test_a_second_publisher_on_a_prefix_is_refused_and_leaves_the_first_alone(
    mosquitto, listen, publish, change, eventually
):
    broker, told = mosquitto(), []
    first = publish(f"mqtt://127.0.0.1:{broker.port}/box", told.append)
    heard = listen(broker)
    with pytest.raises(EdgeToscaError, match="another edge-tosca on this host"):
        publish(f"mqtt://localhost:{broker.port}/box")
    other = publish(f"mqtt://127.0.0.1:{broker.port}/gate", told.append)
    first.change(change("mug"))
    other.change(change("pen"))
    eventually(lambda: {"box/state", "gate/state"} <= heard.keys())
    assert told == []
    first.close()
    publish(f"mqtt://127.0.0.1:{broker.port}/box").change(change("cup"))
    eventually(lambda: json.loads(heard["box/state"])["label"] == "cup")


def test_no_discovery_is_published_where_none_is_wished(mosquitto, listen, publish, change, eventually):
    broker = mosquitto()
    publisher = publish(f"mqtt://127.0.0.1:{broker.port}/box?discovery=")
    publisher.change(change())
    heard = listen(broker)
    eventually(lambda: "box/state" in heard and "box/availability" in heard)
    assert set(heard) == {"box/state", "box/availability"}


def test_a_broker_that_was_started_anew_is_told_everything_again(
    mosquitto, listen, publish, change, eventually
):
    broker = mosquitto()
    told = []
    publisher = publish(f"mqtt://127.0.0.1:{broker.port}/box", told.append)
    publisher.available({DEFAULT: True})
    publisher.change(change("mug"))
    first = listen(broker)
    eventually(lambda: "box/state" in first)
    broker.stop()
    eventually(lambda: told)
    # Only the newest of what happened meanwhile matters.
    for label in ("a", "b", "pen"):
        publisher.change(change(label))
    broker.start()
    heard = listen(broker)
    eventually(lambda: "box/state" in heard and json.loads(heard["box/state"])["label"] == "pen")
    eventually(lambda: heard.get("box/availability") == "online")
    eventually(lambda: len([topic for topic in heard if topic.endswith("/config")]) == 3)
    eventually(lambda: len(told) == 3)
    assert publisher.skipped == 2
    # The outage is one line, though it was tried again and again, and its end another.
    where = f"mqtt broker 127.0.0.1:{broker.port}"
    assert [line.removeprefix(where).split(" (")[0] for line in told] == [
        ": the connection was lost",
        ": connected again",
        ": 2 changes of that time were never published",
    ]


def test_the_last_will_says_offline_when_a_box_dies(mosquitto, listen, start_box, eventually):
    broker = mosquitto()
    process = start_box(f"mqtt://127.0.0.1:{broker.port}/box")
    heard = listen(broker)
    eventually(lambda: heard.get("box/availability") == "online")
    process.kill()
    eventually(lambda: heard["box/availability"] == "offline")


@pytest.fixture
def start_box():
    """A process that publishes and can be killed."""
    import subprocess
    import sys

    program = """
import sys, time
from edge_tosca.live.place import DEFAULT
from edge_tosca.live.place import DEFAULT
from edge_tosca.watch import Broker, Publisher
Publisher(Broker.parse(sys.argv[1]), print).available({DEFAULT: True})
time.sleep(600)
"""
    running = []

    def start(url):
        running.append(subprocess.Popen([sys.executable, "-c", program, url]))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()


def test_a_password_is_taken_from_the_environment(
    mosquitto, listen, publish, change, eventually, monkeypatch
):
    broker = mosquitto(password="s3cret:with@signs")
    monkeypatch.setenv("EDGE_TOSCA_MQTT_PASSWORD", "s3cret:with@signs")
    publisher = publish(f"mqtt://box@127.0.0.1:{broker.port}/box")
    publisher.change(change("mug"))
    heard = listen(broker, "box", "s3cret:with@signs")
    eventually(lambda: "box/state" in heard)


def test_a_wrong_password_is_told_once_and_stands_in_no_message(mosquitto, publish, eventually):
    broker = mosquitto(password="right")
    told = []
    publish(f"mqtt://box:wr%6Fng-one@127.0.0.1:{broker.port}/box", told.append)
    eventually(lambda: told)
    assert "check user and password" in told[0]
    assert not any("wrong-one" in event for event in told)


@pytest.mark.parametrize(
    "label", ['"; rm -rf /\n', "\x1b[31mred\x00", "Größe 卵 🥚", "{{ states('x') }}", "\ud800"]
)
def test_labels_of_any_characters_arrive_as_they_are_and_in_ascii(
    mosquitto, listen, publish, change, eventually, label
):
    broker = mosquitto()
    publisher = publish(f"mqtt://127.0.0.1:{broker.port}/box")
    publisher.change(change(label))
    heard = listen(broker)
    eventually(lambda: "box/state" in heard)
    assert heard["box/state"].isascii() and heard["box/state"].isprintable()
    assert json.loads(heard["box/state"])["label"] == label


def test_a_brokers_address_is_understood(monkeypatch):
    monkeypatch.delenv("EDGE_TOSCA_MQTT_PASSWORD", raising=False)
    broker = Broker.parse("mqtts://us%40er:p%3Aw@broker.lan/a/b")
    assert (broker.host, broker.port, broker.tls) == ("broker.lan", 8883, True)
    assert (broker.user, broker.password, broker.prefix) == ("us@er", "p:w", "a/b")
    assert "p:w" not in repr(broker) and "us@er" not in repr(broker)
    assert broker.name == "broker.lan:8883"
    assert Broker.parse("mqtt://broker").prefix.startswith("edge-tosca/")


@pytest.mark.parametrize(
    ("url", "user", "password", "host", "prefix"),
    [
        ("mqtt://box:4711/rest@127.0.0.1:1/p", "box", "4711/rest", "127.0.0.1", "p"),
        ("mqtt://box:47/Se+cret#?@127.0.0.1:1/p", "box", "47/Se+cret#?", "127.0.0.1", "p"),
        ("mqtt://box:p@ss@broker/p?discovery=", "box", "p@ss", "broker", "p"),
        ("mqtt://broker.lan/hall@1", None, None, "broker.lan", "hall@1"),
    ],
)
def test_a_password_with_signs_of_its_own_is_understood(monkeypatch, url, user, password, host, prefix):
    monkeypatch.delenv("EDGE_TOSCA_MQTT_PASSWORD", raising=False)
    broker = Broker.parse(url)
    assert (broker.user, broker.password, broker.host, broker.prefix) == (user, password, host, prefix)
    assert password is None or not any(part in broker.name for part in (password, user, "4711", "ret"))


@pytest.mark.parametrize(
    "url",
    [
        "broker",
        "http://broker",
        "mqtt://",
        "mqtt://broker:port",
        "mqtt://broker/a/%23",
        "mqtt://broker/a/%2B/b",
        "mqtt://broker/%00",
        "mqtt://broker/a?qos=1",
        "mqtts://broker/a?ca=/nowhere",
        "mqtt://user:secret@[broker",
        "mqtt:/user:secret@broker",
        "user:secret@broker",
        "http://user:secret@broker",
        "mqtt://user:x@broker/secret+",
        "mqtt://user:x@broker/a?secret=1",
        "mqtt://user:x@broker:99999/secret",
        "mqtt://user:%FF@broker/secret",
    ],
)
def test_what_is_no_brokers_address_is_refused_in_one_line(url):
    with pytest.raises(EdgeToscaError, match="--mqtt") as caught:
        Broker.parse(url)
    assert len(str(caught.value).splitlines()) == 1 and "secret" not in str(caught.value)


GATE = [Place("gate", "left"), Place("gate", "Förderband 2"), Place("hall", "frame")]


def test_each_region_of_each_camera_has_its_state_its_availability_and_its_entities(
    mosquitto, listen, publish, change, eventually
):
    broker = mosquitto()
    heard = listen(broker)
    publisher = publish(f"mqtt://127.0.0.1:{broker.port}/box")
    publisher.available(dict.fromkeys(GATE, True) | {GATE[2]: False})
    publisher.change(replace(change("mug"), place=GATE[0]))
    publisher.change(replace(change("pen"), place=GATE[1]))
    eventually(lambda: {"box/gate/left/state", "box/gate/Förderband 2/state"} <= heard.keys())
    states = [json.loads(heard[topic]) for topic in ("box/gate/left/state", "box/gate/Förderband 2/state")]
    assert [(one["camera"], one["region"], one["label"]) for one in states] == [
        ("gate", "left", "mug"),
        ("gate", "Förderband 2", "pen"),
    ]
    eventually(lambda: heard.get("box/hall/frame/availability") == "offline")
    assert (heard["box/availability"], heard["box/gate/left/availability"]) == ("online", "online")
    eventually(
        lambda: len([text for topic, text in heard.items() if topic.endswith("/config") and text]) == 9
    )
    found = [json.loads(text) for topic, text in heard.items() if topic.endswith("/config") and text]
    assert len({entity["unique_id"] for entity in found}) == 9
    assert len({str(entity["device"]["identifiers"]) for entity in found}) == 1
    for entity in found:
        camera_and_region = entity["state_topic"].removeprefix("box/").removesuffix("/state")
        topics = [one["topic"] for one in entity["availability"]]
        assert topics == ["box/availability", f"box/{camera_and_region}/availability"]
        assert entity["availability_mode"] == "all"
        assert entity["name"].startswith(camera_and_region.replace("/", " "))


def test_what_is_retained_of_a_removed_region_is_erased(mosquitto, listen, publish, change, eventually):
    broker = mosquitto()
    publisher = publish(f"mqtt://127.0.0.1:{broker.port}/box")
    publisher.available(dict.fromkeys(GATE, True))
    publisher.change(replace(change("mug"), place=GATE[0]))
    heard = listen(broker)
    eventually(lambda: "box/gate/left/state" in heard)
    publisher.available(dict.fromkeys(GATE[1:], True))
    eventually(lambda: heard["box/gate/left/state"] == "")
    # Whoever comes later receives what is retained: six entities, and none of the region.
    later = listen(broker)
    eventually(lambda: len([topic for topic in later if topic.endswith("/config")]) == 6)
    assert not [topic for topic in later if "gate/left" in topic]


def test_the_topics_of_discovery_have_the_characters_that_home_assistant_takes():
    for topic in discovery_messages("box", "homeassistant", "1", GATE):
        assert re.fullmatch(
            r"homeassistant/(sensor|binary_sensor)/[a-zA-Z0-9_-]+/[a-zA-Z0-9_-]+/config", topic
        )
