"""A service that knows its callers by passports. See ../README.md."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt

FORMS = {
    "jwt": ("x-rownd-passport", "rownd-passport+jwt"),
    "txn-token": ("txn-token", "txntoken+jwt"),
}
HEADER, TYP = FORMS[os.environ.get("FORM", "jwt")]
KEYS = jwt.PyJWKClient(os.environ["JWKS_URL"], cache_keys=True, lifespan=300)


def claims(token):
    """The claims of a good passport; jwt.PyJWTError otherwise."""
    # Each key of the set is bound to its own algorithm.
    key = KEYS.get_signing_key_from_jwt(token)
    decoded = jwt.decode_complete(
        token,
        key,
        algorithms=["ES256", "EdDSA"],
        issuer=os.environ["ISSUER"],
        audience=os.environ["AUDIENCE"],
        options={"require": ["iss", "aud", "sub", "iat", "exp"]},
        leeway=5,
    )
    # Another token of the same issuer is no passport.
    if decoded["header"].get("typ") != TYP:
        raise jwt.InvalidTokenError("another typ")
    return decoded["payload"]


class Service(BaseHTTPRequestHandler):
    def do_GET(self):
        passports = self.headers.get_all(HEADER, [])
        try:
            if len(passports) != 1:
                raise jwt.InvalidTokenError("no passport, or several")
            self.answer(200, claims(passports[0]))
        except jwt.PyJWTError as error:
            self.answer(401, {"error": str(error)})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Service)
print(f"listening on {server.server_port}", flush=True)
server.serve_forever()
