"""Middleware: `request.identity` is whose token it is, or None where there is none."""

import grpc
from django.conf import settings
from django.http import JsonResponse

from rownd.auth.v1.rownd_auth_pb2 import VerifyRequest
from rownd.auth.v1.rownd_auth_pb2_grpc import RowndAuthStub


class RowndAuthz:
    def __init__(self, get_response):
        self.get_response = get_response
        # Without this option gRPC names a Unix socket's path as host, which HTTP/2 does not take.
        options = [("grpc.default_authority", "localhost")]
        self.authz = RowndAuthStub(grpc.insecure_channel(settings.AUTHZ_TARGET, options))

    def __call__(self, request):
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        request.identity = None
        if scheme.lower() == "bearer" and token.strip():
            try:
                answer = self.authz.Verify(VerifyRequest(token=token.strip()), timeout=1)
            except grpc.RpcError:  # No decision was possible: refuse the request.
                headers = {"Retry-After": "1"}
                return JsonResponse({"error": "temporarily_unavailable"}, status=503, headers=headers)
            if answer.WhichOneof("outcome") != "identity":
                body = {"error": "invalid_token", "reason": answer.denial.reason}
                headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
                return JsonResponse(body, status=401, headers=headers)
            request.identity = answer.identity
        return self.get_response(request)
