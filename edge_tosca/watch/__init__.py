"""Report changes of the answer to programs: commands, MQTT, webhooks."""

from edge_tosca.live.events import Change, Sink
from edge_tosca.live.follow import follow
from edge_tosca.watch.broker import Broker
from edge_tosca.watch.command import Command
from edge_tosca.watch.mqtt import Publisher
from edge_tosca.watch.receiver import Receiver
from edge_tosca.watch.webhook import Webhook

__all__ = ["Broker", "Change", "Command", "Publisher", "Receiver", "Sink", "Webhook", "follow"]
