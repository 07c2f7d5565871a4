"""The vendor's Django package judges tokens of the emulator.

In: one JSON object on stdin: {api_url, app_key, app_secret, tokens: {name: token},
users: [id]}. Out: one JSON object on stdout: {version, tokens: {name: {jwt, session,
api}}, users: {id: state or error}}: what `validate_jwt` says, and the status codes of
its session views and of its REST authentication, in a Django project in memory.
"""

import importlib.metadata
import json
import sys

import django
from django.conf import settings


def configure(question):
    settings.configure(
        ALLOWED_HOSTS=["testserver"],
        AUTHENTICATION_BACKENDS=["rownd_django.auth.backend.RowndAuthenticationBackend"],
        CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "rest_framework",
            "rownd_django",
        ],
        MIDDLEWARE=[
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
        ],
        REST_FRAMEWORK={},
        ROOT_URLCONF=__name__,
        ROWND={
            "API_URL": question["api_url"],
            "APP_KEY": question["app_key"],
            "APP_SECRET": question["app_secret"],
        },
        SECRET_KEY="only in this process",
        USE_TZ=True,
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, run_syncdb=True)


def routes():
    from django.urls import include, path
    from rest_framework.decorators import (
        api_view,
        authentication_classes,
        permission_classes,
    )
    from rest_framework.permissions import IsAuthenticated
    from rest_framework.response import Response
    from rownd_django.auth.backend import RowndApiAuthentication

    @api_view(["GET"])
    @authentication_classes([RowndApiAuthentication])
    @permission_classes([IsAuthenticated])
    def api(request):
        return Response({"username": request.user.username})

    return [path("rownd/", include("rownd_django.auth.urls")), path("api", api)]


def judge(name, token):
    from django.test import Client
    from rownd_django.auth import client as rownd

    try:
        jwt = rownd.validate_jwt(token)["https://auth.rownd.io/app_user_id"]
    except Exception as error:
        jwt = type(error).__name__
    bearer = {"Authorization": f"Bearer {token}"}
    browser = Client()
    session = browser.post("/rownd/session_authenticate", headers=bearer)
    api = Client().get("/api", headers=bearer)
    verdict = {"jwt": jwt, "session": session.status_code, "api": api.status_code}
    if api.status_code == 200:
        verdict["username"] = api.json()["username"]
    if session.status_code == 200:
        again = browser.post("/rownd/session_authenticate")
        out = browser.post("/rownd/session_sign_out")
        verdict["signed_out"] = [again.status_code, out.status_code]
    return verdict


def profile(user):
    from rownd_django.auth import client as rownd

    try:
        return rownd.fetch_user(user)["state"]
    except Exception as error:
        return f"error: {error}"


def main():
    global urlpatterns
    question = json.load(sys.stdin)
    configure(question)
    urlpatterns = routes()
    # The backend prints what it denies; the answer alone belongs on stdout.
    out, sys.stdout = sys.stdout, sys.stderr
    answer = {
        "version": importlib.metadata.version("rownd-django"),
        "users": {user: profile(user) for user in question["users"]},
        "tokens": {name: judge(name, token) for name, token in question["tokens"].items()},
    }
    json.dump(answer, out)


if __name__ == "__main__":
    main()
