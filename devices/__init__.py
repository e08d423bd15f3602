"""Device profiles, the checks of `edge-tosca doctor`, and cameras."""

from edge_tosca.devices.doctor import examine
from edge_tosca.devices.findings import Finding
from edge_tosca.devices.processor import Machine, read_machine
from edge_tosca.devices.profiles import PROFILES, Profile, detect

__all__ = ["PROFILES", "Finding", "Machine", "Profile", "detect", "examine", "read_machine"]
