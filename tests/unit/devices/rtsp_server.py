"""A network camera that shows red, by the system's GStreamer: rtsp_server.py PORT USER PASSWORD."""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")

from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402  (the versions have to be named first)

port, user, password = sys.argv[1:]
Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(port)

camera = GstRtspServer.RTSPMediaFactory()
camera.set_launch(
    "( videotestsrc pattern=red is-live=true ! video/x-raw,format=I420,width=320,height=240,framerate=15/1"
    " ! jpegenc ! rtpjpegpay name=pay0 pt=26 )"
)
role = GstRtspServer.RTSPPermissions()
for right in ("media.factory.access", "media.factory.construct"):
    role.add_permission_for_role("viewer", right, True)
camera.set_permissions(role)

viewer = GstRtspServer.RTSPToken()
viewer.set_string("media.factory.role", "viewer")
doorman = GstRtspServer.RTSPAuth()
doorman.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), viewer)
server.set_auth(doorman)

server.get_mount_points().add_factory("/belt", camera)
if not server.attach(None):
    sys.exit(f"port {port} is taken")
print("ready", flush=True)
GLib.MainLoop().run()
