"""A whole Django project in one file: one page for everybody, one for users."""

import os
import sys

from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import JsonResponse
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    AUTHZ_TARGET=os.environ.get("AUTHZ_TARGET", "127.0.0.1:50051"),
    MIDDLEWARE=["authz.RowndAuthz"],
    ROOT_URLCONF=__name__,
    SECRET_KEY="not used here",
)


def anybody(request):
    return JsonResponse({"user": request.identity and request.identity.user_id})


def users(request):
    if request.identity is None:
        headers = {"WWW-Authenticate": "Bearer"}
        return JsonResponse({"error": "unauthenticated"}, status=401, headers=headers)
    return JsonResponse({"user": request.identity.user_id, "verified": request.identity.verified})


urlpatterns = [path("", anybody), path("me", users)]

if __name__ == "__main__":
    execute_from_command_line(sys.argv)
