"""A second pair of hands for tokens: PyJWT mints, a plain file server serves the keys.

In: `--claims DIR` with claims_*.json, `--out DIR` to write jwks.json into and serve.
Out: one line of JSON on stdout: {"pyjwt": version, "port": n, "tokens": {name: token}}.
Ends when stdin does, so it cannot outlive the test that started it.

Each file is a shape: `iat` becomes now and `exp` keeps its distance, the rest is signed
as it stands. Two spoilt copies of the verified one come on top: `expired`, and `forged`
with a key that is not in the set under the name of the one that is.
"""

import argparse
import functools
import http.server
import json
import pathlib
import sys
import threading
import time

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

KID = "sig-foreign-1"


def read_shapes(folder):
    """The claims by the name in `claims_NAME.json`."""
    shapes = {}
    for path in sorted(pathlib.Path(folder).glob("claims_*.json")):
        shapes[path.stem.removeprefix("claims_")] = json.loads(path.read_text("utf-8"))
    return shapes


def renew(claims, now):
    """The same claims, issued at `now`."""
    return {**claims, "iat": now, "exp": now + claims["exp"] - claims["iat"]}


def mint(claims, key):
    # Rownd's tokens name no `typ`; PyJWT leaves it out when told None.
    return jwt.encode(claims, key, algorithm="EdDSA", headers={"kid": KID, "typ": None})


def mint_all(shapes, key):
    now = int(time.time())
    tokens = {name: mint(renew(claims, now), key) for name, claims in shapes.items()}
    verified = shapes["verified"]
    tokens["expired"] = mint(renew(verified, now - 2 * 3600), key)
    tokens["forged"] = mint(renew(verified, now), Ed25519PrivateKey.generate())
    return tokens


def write_key_set(key, folder):
    jwk = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    jwk.pop("key_ops", None)
    jwk.update(alg="EdDSA", kid=KID, use="sig")
    pathlib.Path(folder, "jwks.json").write_text(json.dumps({"keys": [jwk]}), "utf-8")


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    """Python's own file server, without a log line for each request."""

    def log_message(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()

    key = Ed25519PrivateKey.generate()
    tokens = mint_all(read_shapes(args.claims), key)
    write_key_set(key, args.out)

    handler = functools.partial(QuietFiles, directory=args.out)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    started = {"pyjwt": jwt.__version__, "port": server.server_port, "tokens": tokens}
    print(json.dumps(started), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
