"""Learn new classes on the device from the [CLS] features of a frozen backbone (TOSCA, arXiv 2502.14762)."""

import os
import sys

# The matrices here are small: a second BLAS thread gains nothing, waits for a busy core (0.2 s of training
# became 16 s), and makes a module's last bits depend on the number of cores. A user's own setting stands.
if "numpy" not in sys.modules:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from edge_tosca.answer import Answer, Guess, Skipped
from edge_tosca.errors import EdgeToscaError
from edge_tosca.learner import Learner
from edge_tosca.report import Evaluation, LearnReport

__version__ = "0.1.0"

__all__ = ["Answer", "EdgeToscaError", "Evaluation", "Guess", "LearnReport", "Learner", "Skipped"]
