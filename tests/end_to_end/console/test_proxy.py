"""The console behind nginx, set up as docs/console.md says."""

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
DOC = Path(__file__).parents[3] / "docs" / "console.md"
TOKEN = "correct-horse-battery-staple"


@pytest.mark.skipif(NGINX is None, reason="needs nginx")
def test_the_documented_proxy_passes_client_scheme_and_path(serve, store, tmp_path, eventually):
    (location,) = re.findall(r"```nginx\n(.*?)```", DOC.read_text(), re.DOTALL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ("--root-path", "/box", "--trusted-proxy", "127.0.0.1", "--host", "box.example")
    with serve(store, *options, env={"EDGE_TOSCA_TOKEN": TOKEN}) as served:
        settings = tmp_path / "nginx.conf"
        settings.write_text(
            f"daemon off; error_log stderr; pid {tmp_path}/pid; events {{}}\n"
            f"http {{ access_log off; client_body_temp_path {tmp_path}/b; proxy_temp_path {tmp_path}/p;\n"
            f"fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n"
            f"server {{ listen 127.0.0.1:{port};\n"
            + location.replace("127.0.0.1:8600", f"127.0.0.1:{served.port}")
            + "} }\n"
        )
        nginx = subprocess.Popen([NGINX, "-c", settings, "-p", tmp_path], stderr=subprocess.PIPE)
        try:
            base, host = f"http://127.0.0.1:{port}", {"Host": "box.example"}
            end = time.monotonic() + 60
            while True:
                try:
                    page = httpx.get(f"{base}/box/", headers=host)
                    break
                except httpx.ConnectError:
                    assert nginx.poll() is None and time.monotonic() < end, nginx.stderr
                    time.sleep(0.05)
            assert page.status_code == 200 and 'src="app.js"' in page.text
            assert httpx.get(f"{base}/box/app.js", headers=host).status_code == 200
            bearer = {**host, "Authorization": f"Bearer {TOKEN}"}
            assert httpx.get(f"{base}/box/api/v1/classes", headers=bearer).status_code == 200
            description = httpx.get(f"{base}/box/api/v1/openapi.json", headers=bearer).json()
            assert description["servers"] == [{"url": "/box"}]
            # What the client itself claims is not believed.
            claimed = {**host, "X-Forwarded-For": "6.6.6.6"}
            signed = httpx.post(f"{base}/box/api/v1/session", json={"token": TOKEN}, headers=claimed)
            assert signed.status_code == 200
            phones = httpx.get(f"{base}/box/api/v1/sessions", headers=bearer).json()["sessions"]
            assert {one["client"] for one in phones} == {"127.0.0.1"}
            foreign = {"Host": "evil.example", "Authorization": f"Bearer {TOKEN}"}
            assert httpx.get(f"{base}/box/api/v1/classes", headers=foreign).status_code == 403
        finally:
            nginx.terminate()
            nginx.wait(30)
            nginx.stderr.close()
