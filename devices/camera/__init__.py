"""Where frames come from: a camera, a folder of pictures, or a file of frames."""

from edge_tosca.devices.camera.frame import Camera, CameraStats, Frame
from edge_tosca.devices.camera.spec import CameraSpec, open_camera
from edge_tosca.devices.camera.stream import Stream

__all__ = ["Camera", "CameraSpec", "CameraStats", "Frame", "Stream", "open_camera"]
