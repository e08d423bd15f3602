"""Where frames come from: a camera, a folder of pictures, or a file of frames."""

from edge_tosca.devices.camera.frame import Account, Camera, Frame
from edge_tosca.devices.camera.spec import CameraSpec, open_camera
from edge_tosca.devices.camera.stream import Stream

__all__ = ["Account", "Camera", "CameraSpec", "Frame", "Stream", "open_camera"]
