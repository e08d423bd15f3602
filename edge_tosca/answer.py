"""What the learner answers and reports, as plain frozen values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Guess:
    """A class and its probability.

    Attributes:
        label: the class.
        confidence: in 0 .. 1.
    """

    label: str
    confidence: float


@dataclass(frozen=True)
class Answer:
    """What one picture (or one burst) shows.

    Attributes:
        label: the most probable class.
        confidence: its probability among the known classes, in 0 .. 1.
        unknown: the picture looks like none of the known classes.
        task: name of the task that taught the label.
        top: the most probable classes, the best first.
        familiarity: how much it looks like anything known, in standard deviations; unknown is decided on it.
        milliseconds: spent on "decode", "features" and "decide".
        set: labels that hold the truth with the coverage that was asked for, the most probable first; None
            where none was asked for.
    """

    label: str
    confidence: float
    unknown: bool
    task: str
    top: tuple[Guess, ...]
    familiarity: float
    milliseconds: dict[str, float]
    set: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Skipped:
    """A picture that was not learned from.

    Attributes:
        path: of the picture.
        reason: in one line.
    """

    path: str
    reason: str
