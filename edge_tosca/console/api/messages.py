"""What the API says of the box, its classes and its answers, as models from which its description is made."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Message(BaseModel):
    """Anything the API says."""

    model_config = ConfigDict(extra="forbid")


class Asked(Message):
    """Anything the API is told: true is no number here, and "1" is none either."""

    model_config = ConfigDict(strict=True)


class ErrorMessage(Message):
    """One sentence that says what to do."""

    error: str


class GuessMessage(Message):
    """A class and its probability."""

    label: str
    confidence: float


class AnswerMessage(Message):
    """What a picture or a burst shows; `id` names it in corrections while its picture is in memory."""

    id: str | None
    label: str
    confidence: float
    unknown: bool
    task: str
    top: list[GuessMessage]
    familiarity: float
    milliseconds: dict[str, float]
    set: list[str] | None


class ClassMessage(Message):
    """A known class."""

    label: str
    task: str
    tasks: list[str]
    images: int
    learned_at: str
    accuracy: float | None
    thumbnail: bool


class ModuleMessage(Message):
    """A module of the live generation."""

    digest: str
    task: str
    classes: list[str]
    bytes: int


class ClassesMessage(Message):
    """What is known."""

    generation: int
    classes: list[ClassMessage]
    modules: list[ModuleMessage]


class ChangeMessage(Message):
    """A change was made."""

    generation: int
    classes: list[str]


class LabelMessage(Asked):
    """A class by its name."""

    label: str = Field(min_length=1, max_length=4000)


class RenameMessage(Asked):
    """Another name for a class."""

    label: str = Field(min_length=1, max_length=4000)
    new: str = Field(min_length=1, max_length=4000)
    merge: bool = False


class RollbackMessage(Asked):
    """Where to go back to; None undoes the last change."""

    generation: int | None = Field(default=None, ge=0, le=2**31)


class GenerationMessage(Message):
    """One change in the store's history."""

    number: int
    parent: int
    made_at: str
    command: str
    classes: list[str]
    before: str | None
    verdict: str | None
    by: str | None
    live: bool


class HistoryMessage(Message):
    """All changes, the newest first. `undo` is the generation that one undo leads to."""

    generation: int
    undo: int | None
    generations: list[GenerationMessage]


class TokenMessage(Asked):
    """The token that the box was started with."""

    token: str = Field(min_length=1, max_length=1000)


class SessionMessage(Message):
    """Whether a token is needed here, and whether this client has shown it."""

    needed: bool
    open: bool


class SettingsMessage(Asked):
    """What the console may keep."""

    keep_pictures: bool


class HealthMessage(Message):
    """Whether the box is well. Without the token it tells nothing but status and version."""

    status: Literal["ok", "degraded"]
    version: str
    generation: int | None
    camera: dict[str, Any] | None
    live: dict[str, Any] | None
    uptime: float | None


class ShownMessage(Message):
    """What a display should say."""

    label: str
    confidence: float
    unknown: bool
    top: list[GuessMessage]
    since_seconds: float
    frames: int


class LiveMessage(Message):
    """What a camera sees now, or the reason why there is no answer."""

    id: str | None
    frame: int | None
    answer: AnswerMessage | None
    shown: ShownMessage | None
    camera: dict[str, Any] | None
    reason: Literal["no_camera", "starting", "camera_lost", "nothing_learned", "trouble"] | None


class CameraMessage(Message):
    """How the camera and its live loop are doing."""

    camera: dict[str, Any] | None
    live: dict[str, Any] | None


class CheckMessage(Message):
    """Whether a store is as it was left."""

    ok: bool
    text: str
    faults: int


class StorageMessage(Message):
    """A store in numbers."""

    stats: dict[str, Any]
    check: CheckMessage


class FindingMessage(Message):
    """One thing that the doctor looked at."""

    what: str
    ok: bool
    detail: str
    remedy: str


class DoctorMessage(Message):
    """All that the doctor looked at."""

    ok: bool
    findings: list[FindingMessage]
