"""Report changes of the answer to programs: commands, MQTT, webhooks."""

from edge_tosca.watch.broker import Broker
from edge_tosca.watch.change import Change
from edge_tosca.watch.command import Command
from edge_tosca.watch.loop import Sink, watch
from edge_tosca.watch.mqtt import Publisher
from edge_tosca.watch.receiver import Receiver
from edge_tosca.watch.webhook import Webhook

__all__ = ["Broker", "Change", "Command", "Publisher", "Receiver", "Sink", "Webhook", "watch"]
