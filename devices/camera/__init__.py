"""Sources of frames: cameras, a watched folder, and files of frames."""

from edge_tosca.devices.camera.frame import Camera, CameraStats, Frame
from edge_tosca.devices.camera.spec import CameraSpec, open_camera
from edge_tosca.devices.camera.stream import Stream

__all__ = ["Camera", "CameraSpec", "CameraStats", "Frame", "Stream", "open_camera"]
