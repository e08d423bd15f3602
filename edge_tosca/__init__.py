"""Learn new classes on the device from the [CLS] features of a frozen backbone (TOSCA, arXiv 2502.14762)."""

from edge_tosca.answer import Answer, Guess, Skipped
from edge_tosca.errors import EdgeToscaError
from edge_tosca.learner import Learner
from edge_tosca.report import Evaluation, LearnReport

__version__ = "0.1.0"

__all__ = ["Answer", "EdgeToscaError", "Evaluation", "Guess", "LearnReport", "Learner", "Skipped"]
