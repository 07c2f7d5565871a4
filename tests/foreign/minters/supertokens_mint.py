"""Sessions by SuperTokens' own library, `supertokens-python`.

In: where the API is and whose session. Out: what the library made of it, its published keys,
and its own verdict on each token. Every session has a SuperTokens Core behind it that keeps and
signs; here that is the class `Core`, as small as the library lets it be. What goes into a token
is the library's choice: issuer, roles, permissions, what is reserved. The Core adds what a Core
adds (its handle, its hashes, the times) and signs with RS256.
"""

import hashlib
import json
import logging
import secrets
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from supertokens_python import InputAppInfo, SupertokensConfig, init
from supertokens_python.constants import SUPPORTED_CDI_VERSIONS, VERSION
from supertokens_python.recipe import oauth2provider, session, userroles
from supertokens_python.recipe.jwt.syncio import get_jwks
from supertokens_python.recipe.oauth2provider.syncio import (
    create_token_for_client_credentials,
    validate_oauth2_access_token,
)
from supertokens_python.recipe.openid.syncio import create_jwt
from supertokens_python.recipe.session.exceptions import SuperTokensSessionError
from supertokens_python.recipe.session.syncio import (
    create_new_session_without_request_response,
    get_session_without_request_response,
)
from supertokens_python.types import RecipeUserId

LIFE = 3600


class Keys:
    """The Core's two: one that rotates, for sessions, and one that stays, for the rest."""

    def __init__(self):
        self.private = {
            kid: rsa.generate_private_key(public_exponent=65537, key_size=2048)
            for kid in ("d-1700000000000", "s-8e5c2b0a")
        }

    def document(self):
        def public(kid, key):
            return {**json.loads(RSAAlgorithm.to_jwk(key.public_key())), "kid": kid, "alg": "RS256", "use": "sig"}

        return {"keys": [public(kid, key) for kid, key in self.private.items()]}

    def sign(self, payload, dynamic, **header):
        kid = next(kid for kid in self.private if kid.startswith("d-") == dynamic)
        return jwt.encode(payload, self.private[kid], algorithm="RS256", headers={"kid": kid, **header})


class Core:
    """What of a Core's interface the library asks for."""

    def __init__(self, roles):
        self.keys, self.roles, self.asked = Keys(), roles, []

    def session(self, body):
        now = int(time.time())
        handle, anti_csrf = secrets.token_hex(16), secrets.token_hex(16)
        payload = {
            **body["userDataInJWT"],
            "sub": body["userId"],
            "rsub": body["userId"],
            "tId": "public",
            "iat": now,
            "exp": now + LIFE,
            "sessionHandle": handle,
            "refreshTokenHash1": hashlib.sha256(handle.encode()).hexdigest(),
            "parentRefreshTokenHash1": None,
            "antiCsrfToken": anti_csrf if body["enableAntiCsrf"] else None,
            "stt": 0,
        }
        token = self.keys.sign(payload, body["useDynamicSigningKey"], version="5")
        times = {"expiry": (now + LIFE) * 1000, "createdTime": now * 1000}
        answer = {
            "status": "OK",
            "session": {
                "handle": handle,
                "userId": body["userId"],
                "recipeUserId": body["userId"],
                "userDataInJWT": body["userDataInJWT"],
                "tenantId": "public",
            },
            "accessToken": {"token": token, **times},
            "refreshToken": {"token": "refresh", **times},
        }
        return {**answer, "antiCsrfToken": anti_csrf} if body["enableAntiCsrf"] else answer

    def jwt(self, body):
        now = int(time.time())
        payload = {"iss": body["jwksDomain"], **body["payload"], "iat": now, "exp": now + body["validity"]}
        return {"status": "OK", "jwt": self.keys.sign(payload, not body["useStaticSigningKey"])}

    def client(self):
        return {
            "status": "OK",
            "clientId": "c",
            "clientName": "a service",
            "scope": "read",
            "tokenEndpointAuthMethod": "client_secret_basic",
            "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": "2026-01-01T00:00:00Z",
        }

    def oauth_token(self, body):
        now = int(time.time())
        client = body["inputBody"]["client_id"]
        payload = {
            **body.get("access_token", {}),
            "iss": body["iss"],
            "sub": client,
            "client_id": client,
            "aud": [],
            "scp": ["read"],
            "iat": now,
            "exp": now + LIFE,
            "jti": secrets.token_hex(16),
            # The claims of a token that a user's session granted: then only the type differs.
            "sessionHandle": secrets.token_hex(16),
            "stt": 1,
        }
        token = self.keys.sign(payload, False)
        return {"status": "OK", "access_token": token, "expires_in": LIFE, "scope": "read", "token_type": "bearer"}

    def answer(self, method, path, body):
        self.asked.append(f"{method} {path}")
        fixed = {
            "GET /apiversion": {"versions": SUPPORTED_CDI_VERSIONS},
            "GET /.well-known/jwks.json": self.keys.document(),
            "GET /user/id": {"status": "UNKNOWN_USER_ID_ERROR"},
            "GET /public/recipe/user/roles": {"status": "OK", "roles": self.roles},
            "GET /recipe/role/permissions": {"status": "OK", "permissions": ["read"]},
            "GET /recipe/oauth/clients": self.client(),
        }
        made = {
            "POST /public/recipe/session": self.session,
            "POST /recipe/jwt": self.jwt,
            "POST /recipe/oauth/token": self.oauth_token,
        }
        question = f"{method} {path}"
        return fixed[question] if question in fixed else made[question](body)

    def run(self):
        core = self

        class Handler(BaseHTTPRequestHandler):
            def reply(self):
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                path = self.path.split("?")[0]
                try:
                    answer, status = core.answer(self.command, path, json.loads(body or b"{}")), 200
                except KeyError as error:
                    print(f"{self.command} {path}: {error}", file=sys.stderr)
                    answer, status = {}, 404
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = reply

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"


def claims(token):
    return jwt.decode(token, options={"verify_signature": False})


def judged(token):
    """The library's own verdict on a token as a session."""
    try:
        return get_session_without_request_response(token, anti_csrf_check=False).get_user_id()
    except SuperTokensSessionError:
        return None


def main():
    question = json.load(sys.stdin)
    core = Core(question["roles"])
    init(
        app_info=InputAppInfo(
            app_name="test",
            api_domain=question["api_domain"],
            website_domain=question["api_domain"],
            api_base_path=question["api_base_path"],
        ),
        supertokens_config=SupertokensConfig(connection_uri=core.run()),
        framework="fastapi",
        recipe_list=[session.init(anti_csrf="VIA_TOKEN"), userroles.init(), oauth2provider.init()],
        telemetry=False,
    )
    user = RecipeUserId(question["user"])
    made = create_new_session_without_request_response("public", user, question["payload"])
    plain = create_new_session_without_request_response(
        "public", user, question["payload"], disable_anti_csrf=True
    )
    oauth = create_token_for_client_credentials("c", "secret")
    validate_oauth2_access_token(oauth.access_token)
    tokens = {
        "session": made.get_access_token(),
        "without anti-csrf": plain.get_access_token(),
        "oauth2": oauth.access_token,
        "jwt": create_jwt({"sub": question["user"]}).jwt,
    }
    tokens["forged"] = Keys().sign(claims(tokens["session"]), True, version="5")
    answer = {
        "version": VERSION,
        "keys": [vars(key) for key in get_jwks().keys],
        "tokens": tokens,
        "judged": {name: judged(token) for name, token in tokens.items()},
        "anti_csrf": made.get_all_session_tokens_dangerously()["antiCsrfToken"],
        "claims": {name: claims(token) for name, token in tokens.items()},
        "asked": sorted(set(core.asked)),
    }
    json.dump(answer, sys.stdout)


logging.disable(logging.CRITICAL)
main()
