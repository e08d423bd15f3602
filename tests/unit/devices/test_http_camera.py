"""Cameras over HTTP: streams, single pictures, logins, and servers that mean no good."""

import base64
import contextlib
import io
import threading
import time
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from PIL import Image

from edge_tosca.devices.camera import CameraSpec, Stream, http_request, open_camera
from edge_tosca.devices.camera.http_auth import authorization
from edge_tosca.errors import CameraError, PictureError

SHADES = (20, 120, 220)


def jpeg(shade):
    held = io.BytesIO()
    Image.new("RGB", (64, 48), (shade, 10, 30)).save(held, "JPEG", quality=95)
    return held.getvalue()


def shade_of(pixels):
    return 10 * round(float(pixels[:, :, 0].mean()) / 10)


@pytest.fixture
def camera():
    """Serve answers: camera(function of a request handler), which gives the host and port."""
    running = []

    def begin(answer):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.asked.append((self.path, self.headers.get("Authorization")))
                with contextlib.suppress(OSError):
                    answer(self)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        server.asked = []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return server, f"127.0.0.1:{server.server_address[1]}"

    yield begin
    for server in running:
        server.shutdown()
        server.server_close()


def reply(handler, kind, body=b"", status=200, **headers):
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def play(handler, pictures=SHADES):
    reply(handler, "multipart/x-mixed-replace; boundary=frame")
    for shade in pictures:
        data = jpeg(shade)
        handler.wfile.write(b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + data + b"\r\n")


def test_motion_jpeg_is_read_frame_by_frame_until_it_ends(camera):
    _, host = camera(play)
    with closing(open_camera(f"http://{host}/stream")) as opened:
        assert [shade_of(opened.read()) for _ in SHADES] == list(SHADES)
        with pytest.raises(CameraError, match="no more pictures"):
            opened.read()


def test_a_camera_of_single_pictures_is_asked_again_and_again(camera):
    server, host = camera(lambda handler: reply(handler, "image/jpeg", jpeg(20 * len(server.asked))))
    with closing(open_camera(f"http://{host}/shot.jpg?size=small#every=0.05")) as opened:
        assert [shade_of(opened.read()) for _ in range(3)] == [20, 40, 60]
    assert [path for path, _ in server.asked] == ["/shot.jpg?size=small"] * 3


def test_a_stream_that_is_lost_is_opened_again(camera):
    _, host = camera(play)
    stream = Stream.of(f"http://{host}/stream")
    with closing(stream):
        stream.start()
        frame = stream.newest(3, timeout=30)
    assert frame.number > 3
    assert stream.stats().reconnects >= 1


def test_user_and_password_are_sent_when_the_camera_asks(camera):
    def ask(handler):
        if handler.headers.get("Authorization") == "Basic " + base64.b64encode(b"me:p@ss").decode():
            return reply(handler, "image/jpeg", jpeg(120))
        return reply(handler, "text/html", b"", 401, WWW_Authenticate='Basic realm="cam"')

    server, host = camera(ask)
    with closing(open_camera(f"http://me:p@ss@{host}/shot")) as opened:
        assert shade_of(opened.read()) == 120
    assert server.asked[0][1] is None
    with pytest.raises(CameraError, match="check user and password") as caught:
        open_camera(f"http://me:wrong@{host}/shot?token=abc")
    assert "wrong" not in str(caught.value) and "abc" not in str(caught.value)
    with pytest.raises(CameraError, match="status 401"):
        open_camera(f"http://{host}/shot")


def test_a_digest_camera_never_sees_the_password(camera):
    def ask(handler):
        found = handler.headers.get("Authorization", "")
        if 'username="me"' in found and 'uri="/shot?a=b"' in found:
            return reply(handler, "image/jpeg", jpeg(120))
        challenge = 'Digest realm="cam", nonce="n", qop="auth", algorithm=MD5, Basic realm="cam"'
        return reply(handler, "text/html", b"", 401, WWW_Authenticate=challenge)

    server, host = camera(ask)
    with closing(open_camera(f"http://me:secret@{host}/shot?a=b")) as opened:
        assert shade_of(opened.read()) == 120
    assert server.asked[1][1].startswith("Digest ") and "secret" not in server.asked[1][1]


def test_the_answer_to_a_digest_challenge_is_that_of_rfc_7616():
    nonce, cnonce = (
        "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        ("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
    )

    def challenge(algorithm):
        return (
            f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
            f'nonce="{nonce}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
        )

    md5, sha = challenge("MD5"), challenge("SHA-256")
    login = ("Mufasa", "Circle of Life", "/dir/index.html", cnonce)
    assert 'response="8ca523f5e9506fed4657c9700eebdbec"' in authorization([md5], *login)
    expected = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    for offered in ([sha], [md5, sha], [f"{md5}, {sha}"]):
        assert f'response="{expected}"' in authorization(offered, *login)
    assert authorization(["Negotiate", 'Digest realm="x"'], *login) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda handler: reply(handler, "text/html", b"<html>"), "answers with text/html"),
        (lambda handler: reply(handler, "image/jpeg", status=404), "status 404"),
        (lambda handler: reply(handler, "", status=302, Location="http://elsewhere/"), "another address"),
        (lambda handler: handler.wfile.write(b"not http at all\r\n\r\n"), "does not answer"),
    ],
)
def test_what_is_no_camera_is_refused_in_one_line(camera, answer, words):
    server, host = camera(answer)
    with pytest.raises(CameraError, match=words) as caught:
        open_camera(f"http://me:secret@{host}/private/path")
    message = str(caught.value)
    assert "\n" not in message and "secret" not in message and "private" not in message
    assert len(server.asked) <= 1


def test_a_picture_that_is_damaged_is_passed_over_and_the_stream_goes_on(camera):
    def send(handler):
        reply(handler, "multipart/x-mixed-replace; boundary=frame")
        handler.wfile.write(jpeg(20)[:300] + jpeg(120))

    _, host = camera(send)
    with closing(open_camera(f"http://{host}/")) as opened:
        with pytest.raises(PictureError):
            opened.read()
        assert shade_of(opened.read()) == 120


@pytest.mark.parametrize("kind", ["image/jpeg", "multipart/x-mixed-replace"])
def test_a_camera_that_drips_has_an_end(camera, monkeypatch, kind):
    monkeypatch.setattr(http_request, "PICTURE_SECONDS", 0.3)

    def drip(handler):
        reply(handler, kind)
        for byte in jpeg(20):
            handler.wfile.write(bytes([byte]))
            time.sleep(0.02)

    _, host = camera(drip)
    with (
        closing(open_camera(f"http://{host}/")) as opened,
        pytest.raises(CameraError, match="no picture within"),
    ):
        opened.read()


def test_a_picture_that_never_ends_is_bounded(camera, monkeypatch):
    monkeypatch.setattr("edge_tosca.devices.camera.http_camera.LARGEST_FRAME", 1 << 20)

    def flood(handler):
        reply(handler, "image/jpeg")
        while True:
            handler.wfile.write(bytes(1 << 16))

    _, host = camera(flood)
    with closing(open_camera(f"http://{host}/")) as opened, pytest.raises(CameraError, match="over 1 MB"):
        opened.read()


def test_a_picture_that_breaks_off_is_not_taken_for_whole(camera):
    def send(handler):
        data = jpeg(20)
        handler.send_response(200)
        handler.send_header("Content-Type", "image/jpeg")
        handler.send_header("Content-Length", str(len(data) + 100))
        handler.end_headers()
        handler.wfile.write(data)

    _, host = camera(send)
    with closing(open_camera(f"http://{host}/")) as opened, pytest.raises(CameraError):
        opened.read()


def test_closing_ends_a_waiting_read(camera):
    def wait(handler):
        reply(handler, "multipart/x-mixed-replace; boundary=frame")
        handler.wfile.write(jpeg(20))
        handler.wfile.flush()
        time.sleep(30)

    _, host = camera(wait)
    opened = open_camera(f"http://{host}/")
    opened.read()
    began = time.monotonic()
    threading.Timer(0.2, opened.close).start()
    with pytest.raises(CameraError):
        opened.read()
    assert time.monotonic() - began < 4


def test_an_untrusted_certificate_is_refused(camera, tmp_path):
    import ssl
    import subprocess

    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=127.0.0.1"
    subprocess.run([*command.split(), "-keyout", key, "-out", cert], check=True, capture_output=True)
    server, host = camera(lambda handler: reply(handler, "image/jpeg", jpeg(20)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with pytest.raises(CameraError, match="not trusted"):
        open_camera(f"https://{host}/")


@pytest.mark.parametrize("rest", ["#every=0", "#every=x", "#loop=1", "#every=1&x=2", "#every=nan"])
def test_an_unknown_fragment_is_refused_when_the_address_is_read(rest):
    with pytest.raises(CameraError, match="every=SECONDS"):
        CameraSpec.parse(f"http://camera/shot{rest}")
    assert CameraSpec.parse("https://camera/shot#every=0.5").kind == "http"
