"""PyJWT mints what it is told to.

In: one line of JSON on stdin, `{"orders": [{"name", "alg", "header", "claims"}]}`.
Out: one line, `{"library", "keys": [JWK], "tokens": {name: {"good", "forged"}}}`: each
signed by the key of its algorithm, and once more by a stranger's under the same name.
"""

import json
import sys

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

MAKE = {
    "EdDSA": Ed25519PrivateKey.generate,
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
}
EXPORT = {"EdDSA": OKPAlgorithm, "ES256": ECAlgorithm, "RS256": RSAAlgorithm}


def main():
    orders = json.load(sys.stdin)["orders"]
    keys = {alg: make() for alg, make in MAKE.items()}
    strangers = {alg: make() for alg, make in MAKE.items()}

    def mint(order, key):
        header = {"kid": "pyjwt-" + order["alg"], **order["header"]}
        return jwt.encode(order["claims"], key, algorithm=order["alg"], headers=header)

    def publish(alg):
        jwk = EXPORT[alg].to_jwk(keys[alg].public_key(), as_dict=True)
        return {**jwk, "kid": "pyjwt-" + alg, "alg": alg, "use": "sig"}

    print(json.dumps({
        "library": "PyJWT " + jwt.__version__,
        "keys": [publish(alg) for alg in keys],
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
