"""Learn new classes on the device from the [CLS] features of a frozen backbone (TOSCA, arXiv 2502.14762)."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_tosca.answer import Answer, Guess, Skipped
    from edge_tosca.errors import EdgeToscaError
    from edge_tosca.learner import Learner
    from edge_tosca.report import Evaluation, LearnReport

__version__ = "0.1.1"

__all__ = ["Answer", "EdgeToscaError", "Evaluation", "Guess", "LearnReport", "Learner", "Skipped"]

_PLACES = {
    "Answer": "answer",
    "EdgeToscaError": "errors",
    "Evaluation": "report",
    "Guess": "answer",
    "LearnReport": "report",
    "Learner": "learner",
    "Skipped": "answer",
}


def __getattr__(name: str) -> object:
    # Only when asked for: the command line must answer Ctrl-C before half a second of imports.
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
