"""joserfc mints what it is told to; in and out as in `pyjwt_mint.py`."""

import importlib.metadata
import json
import sys

from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey


def make(alg, kid):
    parameters = {"kid": kid, "alg": alg, "use": "sig"}
    if alg == "EdDSA":
        return OKPKey.generate_key("Ed25519", parameters)
    if alg == "ES256":
        return ECKey.generate_key("P-256", parameters)
    return RSAKey.generate_key(2048, parameters)


def main():
    orders = json.load(sys.stdin)["orders"]
    algorithms = ["EdDSA", "ES256", "RS256"]
    keys = {alg: make(alg, "joserfc-" + alg) for alg in algorithms}
    strangers = {alg: make(alg, "joserfc-" + alg) for alg in algorithms}

    def mint(order, key):
        header = {"alg": order["alg"], "kid": key.kid, **order["header"]}
        return jwt.encode(header, order["claims"], key, algorithms=algorithms)

    print(json.dumps({
        "library": "joserfc " + importlib.metadata.version("joserfc"),
        "keys": [key.as_dict(private=False) for key in keys.values()],
        "tokens": {
            order["name"]: {
                "good": mint(order, keys[order["alg"]]),
                "forged": mint(order, strangers[order["alg"]]),
            }
            for order in orders
        },
    }))


if __name__ == "__main__":
    main()
