"""A receiver of webhooks that checks signatures, and can be made slow or dismissive."""

import hashlib
import hmac
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = b"0123456789abcdef"


class Shelf(ThreadingHTTPServer):
    """A receiver that checks signatures, and can be made slow or dismissive."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), _Handler)
        self.secret, self.status, self.headers, self.wait = SECRET, None, {}, 0.0
        self.got, self.refused = [], 0
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/events?key=7"

    def stop(self):
        self.shutdown()
        self.server_close()

    def labels(self):
        return [json.loads(body)["label"] for _, _, body in self.got]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        shelf, body = self.server, self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(shelf.wait)
        moment = self.headers["X-Edge-Tosca-Time"]
        code = hmac.new(shelf.secret, f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
        authentic = self.headers["X-Edge-Tosca-Signature"] == f"sha256={code}"
        status = shelf.status or (200 if authentic and abs(time.time() - int(moment)) < 60 else 401)
        shelf.refused += status != 200
        if status == 200:
            shelf.got.append((self.path, dict(self.headers), body))
        self.send_response(status)
        for name, value in shelf.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_):
        pass
