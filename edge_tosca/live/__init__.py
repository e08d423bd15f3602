"""From a stream of frames to an answer that a display can show."""

from edge_tosca.live.consensus import Consensus, StableAnswer
from edge_tosca.live.loop import Live, LiveAnswer
from edge_tosca.live.stats import LiveStats

__all__ = ["Consensus", "Live", "LiveStats", "LiveAnswer", "StableAnswer"]
