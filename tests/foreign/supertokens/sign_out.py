"""The override of examples/supertokens in SuperTokens' own session recipe.

In: one JSON object on stdin: {url, dead_url, token}. Out: one JSON object on stdout: {revoked: the
sessions that the library was told to revoke, for each URL}.

The library's Core is a service of its own, so a session stands in that has the token and counts
its revocations. The API that is overridden is the library's.
"""

import asyncio
import json
import pathlib
import sys

from supertokens_python.recipe import session
from supertokens_python.recipe.session.api.implementation import APIImplementation

EXAMPLE = pathlib.Path(__file__).resolve().parents[3] / "examples/supertokens"
sys.path.insert(0, str(EXAMPLE))
from sign_out import told_to  # noqa: E402


class Session:
    def __init__(self, token):
        self.token = token
        self.revoked = 0

    def get_access_token(self):
        return self.token

    async def revoke_session(self, user_context):
        self.revoked += 1
        return True


async def sign_out(url, token):
    config = session.InputOverrideConfig(apis=told_to(url))
    apis = config.apis(APIImplementation())
    one = Session(token)
    answer = await apis.signout_post(one, None, {})
    assert answer.to_json() == {"status": "OK"}, answer.to_json()
    return one.revoked


async def main():
    question = json.load(sys.stdin)
    revoked = {name: await sign_out(question[name], question["token"]) for name in ("url", "dead_url")}
    json.dump({"revoked": revoked}, sys.stdout)


asyncio.run(main())
