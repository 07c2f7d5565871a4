"""A bridge to NATS JetStream: the events of a sink `http` become messages. See ../README.md."""

import asyncio
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import nats
from nats.errors import Error
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

MAX_BYTES = 256 * 1024
TIMEOUT = 5
PREFIX = "io.rownd.auth.v1."
WEBHOOK = Webhook(os.environ["SECRET"])
SUBJECT = os.environ.get("SUBJECT", "rownd")
LOOP = asyncio.new_event_loop()


async def told(error):
    print(f"nats: {error!r}", flush=True)


async def connect():
    credentials = os.environ.get("NATS_CREDS")
    return await nats.connect(
        os.environ.get("NATS_URL", "nats://127.0.0.1:4222"),
        user_credentials=credentials or None,
        max_reconnect_attempts=-1,
        error_cb=told,
    )


async def publish(event, body):
    # The stream drops a message whose id it has stored in the last two minutes (duplicate_window).
    headers = {"Nats-Msg-Id": event["id"], "content-type": "application/cloudevents+json"}
    subject = f"{SUBJECT}.{event['type'].removeprefix(PREFIX)}"
    await STREAMS.publish(subject, body, timeout=TIMEOUT, headers=headers)


class Bridge(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        # The body as it was sent: the signature is about these bytes.
        length = int(self.headers.get("content-length", "0"))
        status = 401
        if length <= MAX_BYTES:
            status = self.hand_on(self.rfile.read(length))
        self.send_response(status)
        if status != 204:
            # The rest of a body that was not read must not pass for another request.
            self.close_connection = True
            self.send_header("content-length", "0")
        self.end_headers()

    def hand_on(self, body):
        try:
            event = WEBHOOK.verify(body, dict(self.headers))
            # 204 only when a stream has stored it: with 503, rownd-authz sends it again.
            asyncio.run_coroutine_threadsafe(publish(event, body), LOOP).result(TIMEOUT * 2)
        except WebhookVerificationError:
            return 401
        except (Error, OSError, TimeoutError) as error:
            print(f"not stored: {error!r}", flush=True)
            return 503
        except (ValueError, KeyError):
            return 400
        return 204

    def log_message(self, *_):
        pass


threading.Thread(target=LOOP.run_forever, daemon=True).start()
STREAMS = asyncio.run_coroutine_threadsafe(connect(), LOOP).result().jetstream()
server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Bridge)
print(f"listening on {server.server_port}", flush=True)
server.serve_forever()
