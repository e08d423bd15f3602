"""The public face, and every operation that makes a generation."""

from edge_tosca.learner.learner import Learner as Learner
