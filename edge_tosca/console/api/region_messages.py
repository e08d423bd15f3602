"""Messages of the API on cameras and their regions."""

from typing import Annotated, Any

from pydantic import Field

from edge_tosca.console.api.messages import LabelMessage, LiveMessage, Message, RequestMessage

CameraName = Annotated[str, Field(min_length=1, max_length=60)]
RegionName = Annotated[str, Field(min_length=1, max_length=60)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Labels = Annotated[list[Annotated[str, Field(min_length=1, max_length=4000)]], Field(max_length=1000)]


class RegionMessage(Message):
    """A region of a camera: left, upper edge, width and height as fractions of the frame.

    `classes`: those that it answers among; null for all. `trigger`: when it is looked at; empty for what the
    server was started with.
    """

    camera: str
    name: str
    x: float
    y: float
    width: float
    height: float
    classes: list[str] | None
    trigger: str


class RegionsMessage(Message):
    """The regions of the box's cameras, the whole frame for a camera without any.

    `whole`: cameras that have no region of their own.
    """

    regions: list[RegionMessage]
    whole: list[str]


class PutRegionMessage(RequestMessage):
    """A region to add or to replace; `before` is the name of the one that it replaces, if it is renamed.

    `classes`: those that it answers among; null for all. `trigger`: "always", "motion", "request" or
    "every 5s"; null to leave it as it is, empty for what the server was started with.
    """

    camera: CameraName
    name: RegionName
    x: Fraction
    y: Fraction
    width: Fraction
    height: Fraction
    classes: Labels | None = None
    before: RegionName | None = None
    trigger: Annotated[str, Field(max_length=40)] | None = None


class BoxCameraMessage(Message):
    """A camera of the box, its statistics, and the names of its regions."""

    name: str
    source: str
    camera: dict[str, Any]
    regions: list[str]


class CamerasMessage(Message):
    """The cameras of the box."""

    cameras: list[BoxCameraMessage]
    limit: int


class AddCameraMessage(RequestMessage):
    """A camera to add: its name, and its address as of `serve --camera`."""

    name: CameraName
    address: str = Field(min_length=1, max_length=4000)


class TilesMessage(Message):
    """The newest answer of every region."""

    tiles: list[LiveMessage]


class CaptureMessage(LabelMessage):
    """A class, and the region whose newest picture is added to it; the first one by default."""

    camera: CameraName | None = None
    region: RegionName | None = None
