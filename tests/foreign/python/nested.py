"""Verify of many tokens, decoded by protobuf's own library for Python.

In: where the server is, where its stubs are, and tokens by name, as JSON. Out: for each token
what came: the outcome, the names of the claims, and what was left out.
"""

import json
import sys

question = json.load(sys.stdin)
sys.path.insert(0, question["stubs"])

import grpc  # noqa: E402
from rownd.auth.v1.rownd_auth_pb2 import VerifyRequest  # noqa: E402
from rownd.auth.v1.rownd_auth_pb2_grpc import RowndAuthStub  # noqa: E402

stub = RowndAuthStub(grpc.insecure_channel(question["target"]))


def ask(token):
    answer = stub.Verify(VerifyRequest(token=token), timeout=30)
    return {
        "outcome": answer.WhichOneof("outcome"),
        "claims": sorted(answer.identity.claims.fields),
        "omitted": list(answer.omitted),
    }


json.dump({name: ask(token) for name, token in question["tokens"].items()}, sys.stdout)
