"""The demo's report: accuracies, unknown rates and times before and after the last lesson."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge_tosca.demo.digits import NEW, OLD
from edge_tosca.results import Answer, LearnReport


@dataclass(frozen=True)
class Exam:
    """Answers to the test pictures, each predicted on its own.

    Attributes:
        answers: true class to answers, in the order of the test pictures.
    """

    answers: dict[str, tuple[Answer, ...]]

    def accuracy(self, *labels: str) -> float:
        """Return the share of pictures of some classes that got the right label, flagged unknown or not."""
        return float(np.mean([answer.label == label for label, answer in self._of(labels)]))

    def accepted(self, *labels: str) -> float:
        """Return the share of pictures of some classes that got the right label and no unknown flag."""
        return float(np.mean([a.label == label and not a.unknown for label, a in self._of(labels)]))

    def unknown(self, *labels: str) -> float:
        """Return the share of pictures of some classes that were flagged unknown."""
        return float(np.mean([answer.unknown for _, answer in self._of(labels)]))

    @property
    def milliseconds(self) -> dict[str, float]:
        """Median milliseconds of an answer by step."""
        answers = [answer for _, answer in self._of(tuple(self.answers))]
        steps = ("decode", "features", "decide")
        return {step: float(np.median([answer.milliseconds[step] for answer in answers])) for step in steps}

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return {
            "images": sum(len(answers) for answers in self.answers.values()),
            "accuracy_old": self.accuracy(*OLD),
            "accuracy_new": self.accuracy(*NEW),
            "accepted_old": self.accepted(*OLD),
            "accepted_new": self.accepted(*NEW),
            "unknown_rate_old": self.unknown(*OLD),
            "unknown_rate_new": self.unknown(*NEW),
            "per_class": {label: self.accuracy(label) for label in self.answers},
            "unknown_per_class": {label: self.unknown(label) for label in self.answers},
            "milliseconds": self.milliseconds,
        }

    def _of(self, labels: tuple[str, ...]) -> Iterator[tuple[str, Answer]]:
        return ((label, answer) for label in labels for answer in self.answers[label])


@dataclass(frozen=True)
class DemoReport:
    """Report of one run.

    Attributes:
        store: path of the store.
        picture: path of the PNG.
        backbone: its name, runtime and device.
        bench: reports of the lessons of 0 to 7.
        field: report of the lesson of 8 and 9.
        before: answers before that lesson.
        after: answers after it.
        unchanged: digest of each module of the first lessons to whether its bytes are the same after it.
        seconds: spent on "pictures", "bench", "before", "field", "after" and in "total".
    """

    store: str
    picture: str
    backbone: str
    bench: tuple[LearnReport, ...]
    field: LearnReport
    before: Exam
    after: Exam
    unchanged: dict[str, bool]
    seconds: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values."""
        return {
            **{name: getattr(self, name) for name in ("store", "picture", "backbone")},
            "bench": [report.to_json() for report in self.bench],
            "field": self.field.to_json(),
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "unchanged": dict(self.unchanged),
            "seconds": dict(self.seconds),
        }
