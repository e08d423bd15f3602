"""The verb `cameras`: list the cameras of this device."""

from edge_tosca.cli.terminal import AsJson, say, say_json
from edge_tosca.cli.verbs import Verbs

camera_verbs = Verbs()

_SIZES_SHOWN = 6


@camera_verbs.command()
def cameras(as_json: AsJson = False) -> None:
    """List the cameras of this device, with the word that --camera takes; no picture is taken."""
    from edge_tosca.devices.camera.listing import find_cameras

    found = find_cameras()
    if as_json:
        say_json({"cameras": [camera.to_json() for camera in found]})
        return
    for camera in found:
        say(f"--camera {camera.camera}  {camera.name}  {camera.device}".rstrip())
        for one in camera.formats:
            sizes = [f"{width}x{height}" for width, height in one.sizes[:_SIZES_SHOWN]]
            more = [f"and {len(one.sizes) - _SIZES_SHOWN} more"] if len(one.sizes) > _SIZES_SHOWN else []
            say(f"    {one.name}  {', '.join([*sizes, *more]) or 'any size'}")
        if camera.note:
            say(f"    cannot be asked: {camera.note}")
    if not found:
        say("No camera is connected. Network cameras are not searched for; name their rtsp:// or http://.")
