"""A receiver of events. See ../README.md."""

import os
import threading
from collections import OrderedDict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

MAX_BYTES = 256 * 1024
MAX_IDS = 10_000
WEBHOOK = Webhook(os.environ["SECRET"])
HANDLED = OrderedDict()
LOCK = threading.Lock()


def handle(event):
    with LOCK:
        if event["id"] in HANDLED:
            return
        print(event["type"], event["id"], flush=True)
        HANDLED[event["id"]] = True
        if len(HANDLED) > MAX_IDS:
            HANDLED.popitem(last=False)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        # The body as it was sent: the signature is about these bytes.
        length = int(self.headers.get("content-length", "0"))
        status = 401
        if length <= MAX_BYTES:
            try:
                handle(WEBHOOK.verify(self.rfile.read(length), dict(self.headers)))
                status = 204
            except WebhookVerificationError:
                pass
            except (ValueError, KeyError):
                status = 400
        self.send_response(status)
        if status != 204:
            # The rest of a body that was not read must not pass for another request.
            self.close_connection = True
            self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Receiver)
print(f"listening on {server.server_port}", flush=True)
server.serve_forever()
