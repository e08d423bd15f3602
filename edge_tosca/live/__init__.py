"""From a stream of frames to an answer that a display can show."""

from edge_tosca.live.consensus import Consensus, Shown
from edge_tosca.live.loop import Live, LiveAnswer
from edge_tosca.live.stats import LiveAccount

__all__ = ["Consensus", "Live", "LiveAccount", "LiveAnswer", "Shown"]
