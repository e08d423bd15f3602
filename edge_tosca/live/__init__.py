"""Answers to a live stream of frames, stable enough for a display."""

from edge_tosca.live.consensus import Consensus, StableAnswer
from edge_tosca.live.loop import Live
from edge_tosca.live.place import LiveAnswer, Place
from edge_tosca.live.stats import LiveStats

__all__ = ["Consensus", "Live", "LiveAnswer", "LiveStats", "Place", "StableAnswer"]
