"""Learn new classes on the device from the [CLS] features of a frozen backbone (TOSCA, arXiv 2502.14762)."""

from importlib import import_module
from typing import TYPE_CHECKING

from edge_tosca.version import __version__ as __version__

if TYPE_CHECKING:
    from edge_tosca.errors import EdgeToscaError
    from edge_tosca.learner.estimator import ToscaClassifier
    from edge_tosca.learner.learner import Learner
    from edge_tosca.results import Answer, Evaluation, Guess, LearnReport, Skipped

__all__ = [
    "Answer",
    "EdgeToscaError",
    "Evaluation",
    "Guess",
    "LearnReport",
    "Learner",
    "Skipped",
    "ToscaClassifier",
]

_PLACES = {
    "Answer": "results",
    "EdgeToscaError": "errors",
    "Evaluation": "results",
    "Guess": "results",
    "LearnReport": "results",
    "Learner": "learner",
    "Skipped": "results",
    "ToscaClassifier": "learner.estimator",
}


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])


def __getattr__(name: str) -> object:
    # Imported on first use: otherwise Ctrl-C would wait for half a second of imports.
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
