"""A client of RowndAuth: verifies, trades and renews tokens, and reads a user."""

import json
import os
import sys
from pathlib import Path

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from grpc_status import rpc_status

import management
from rownd.auth.v1.identity_pb2 import AuthLevel
from rownd.auth.v1.rownd_auth_pb2 import (
    ExchangeRequest,
    GetUserRequest,
    RefreshTokenGrant,
    ThirdPartyTokenGrant,
    VerifyRequest,
)
from rownd.auth.v1.rownd_auth_pb2_grpc import RowndAuthStub

DEADLINE = 5  # seconds, for a call with all of its tries

# Verify and GetUser may be asked again. Exchange never: what it trades works once.
SERVICE_CONFIG = {
    "methodConfig": [
        {
            "name": [
                {"service": "rownd.auth.v1.RowndAuth", "method": "Verify"},
                {"service": "rownd.auth.v1.RowndAuth", "method": "GetUser"},
            ],
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}


class Client:
    """RowndAuth, as one of its callers."""

    def __init__(self, channel, secret):
        self.stub = RowndAuthStub(channel)
        self.call = {"metadata": [("authorization", f"Bearer {secret}")], "timeout": DEADLINE}

    def verify(self, token):
        answer = self.stub.Verify(VerifyRequest(token=token), **self.call)
        if answer.WhichOneof("outcome") == "identity":
            return f"{answer.identity.user_id} {AuthLevel.Name(answer.identity.auth_level)}"
        return f"denied {answer.denial.reason}"

    def exchange(self, token):
        grant = ThirdPartyTokenGrant(token=token)
        answer = self.stub.Exchange(ExchangeRequest(third_party_token=grant), **self.call)
        return answer.tokens

    def refresh(self, token):
        grant = RefreshTokenGrant(refresh_token=token)
        answer = self.stub.Exchange(ExchangeRequest(refresh_token=grant), **self.call)
        return answer.tokens

    def user(self, token):
        mask = FieldMask(paths=["id", "data", "memberships"])
        request = GetUserRequest(token=token, read_mask=mask)
        user = self.stub.GetUser(request, **self.call).user
        groups = ",".join(place.group_id for place in user.memberships)
        return f"{user.id} {user.data['email']} {groups}"


def explain(error):
    """The code of an error, its reason, and whether it is worth trying again."""
    reason = again = ""
    status = rpc_status.from_call(error)
    for detail in status.details if status else []:
        info, retry = ErrorInfo(), RetryInfo()
        if detail.Unpack(info):
            reason = f" {info.reason}"
        elif detail.Unpack(retry):
            again = f", retry in {retry.retry_delay.ToMilliseconds()} ms"
    return error.code().name + reason + again


def attempt(what, call):
    try:
        print(f"{what}: {call()}")
    except grpc.RpcError as error:
        print(f"{what}: {explain(error)}")


def main():
    target = os.environ["AUTHZ_TARGET"]
    secret = Path(os.environ["AUTHZ_SECRET_FILE"]).read_text().strip()
    options = [("grpc.service_config", json.dumps(SERVICE_CONFIG))]
    if target.startswith("unix:"):
        # The library would put the socket's path there, which is no host (RFC 9113 section 8.3.1).
        options.append(("grpc.default_authority", "localhost"))
    with grpc.insecure_channel(target, options) as channel:
        client = Client(channel, secret)
        if sys.argv[1:] == ["management"]:
            management.run(attempt, channel, client.call)
            return
        token = os.environ["TOKEN"]
        third_party_token = os.environ["THIRD_PARTY_TOKEN"]

        def refresh(token):
            return client.verify(client.refresh(token).access_token)

        attempt("verify", lambda: client.verify(token))
        attempt("verify nonsense", lambda: client.verify("nonsense"))
        attempt(
            "exchange and refresh",
            lambda: refresh(client.exchange(third_party_token).refresh_token),
        )
        attempt("refresh nonsense", lambda: refresh("nonsense"))
        attempt("user", lambda: client.user(token))


if __name__ == "__main__":
    main()
