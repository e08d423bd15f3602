"""The learner: its public face, `Learner`, and every operation that makes a generation of a store."""

from edge_tosca.learner.learner import Learner as Learner
