"""Report changes of the answer to programs: JSON lines, commands, MQTT."""

from edge_tosca.watch.broker import Broker
from edge_tosca.watch.change import Change
from edge_tosca.watch.command import Command
from edge_tosca.watch.loop import Sink, watch
from edge_tosca.watch.mqtt import Publisher

__all__ = ["Broker", "Change", "Command", "Publisher", "Sink", "watch"]
