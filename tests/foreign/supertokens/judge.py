"""SuperTokens' own plugin for Rownd takes the emulator for Rownd.

In: one JSON object on stdin: {api_url, app_key, app_secret, app_id, tokens: {name: token},
users: [id], addresses: [email]}. Out: one JSON object on stdout: {version, tokens: {name:
{rownd, hosted}}, users: {id: profile or null}, addresses: {email: [id]}, cut_off: {when:
error or null}, wrong_secret: error}.

The plugin's routes need SuperTokens' Core, which is a service of its own. Its client of Rownd
and both of its validators need none, and are imported without the plugin around them: `rownd`
finds the keys by Rownd's metadata, `hosted` takes the copy that SuperTokens hosts.
"""

import asyncio
import importlib.metadata
import importlib.util
import json
import sys
import types

import httpx


def modules():
    spec = importlib.util.find_spec("supertokens_rownd")
    bare = types.ModuleType("supertokens_rownd")
    bare.__path__ = list(spec.submodule_search_locations)
    sys.modules["supertokens_rownd"] = bare
    from supertokens_rownd import rownd_repository
    from supertokens_rownd.types import RowndPluginConfig

    return rownd_repository, RowndPluginConfig


async def attempt(ask):
    try:
        return await ask
    except Exception as error:
        reason = getattr(error, "reason", None)
        return f"error: {reason.value if reason else error}"


async def main():
    question = json.load(sys.stdin)
    rownd, config_of = modules()
    api = question["api_url"]

    class Hosted(rownd.HostedRowndTokenValidator):
        JWKS_URL = f"{api}/.well-known/rownd-jwks.json"
        ISSUER = api

    def config(**more):
        return config_of(
            rownd_app_key=question["app_key"],
            rownd_app_secret=more.get("secret", question["app_secret"]),
            rownd_api_base_url=api,
        )

    answer = {"version": importlib.metadata.version("supertokens-rownd")}
    answer["tokens"] = {
        # Each with caches of its own: an unknown key keeps a client from asking again.
        name: {
            "rownd": await attempt(rownd.RowndClient(config()).validate_token(token)),
            "hosted": await attempt(Hosted(config()).validate_token(token)),
        }
        for name, token in question["tokens"].items()
    }
    client = rownd.RowndClient(config())
    answer["users"] = {
        user: await attempt(client.fetch_optional_user_info(user)) for user in question["users"]
    }
    answer["addresses"] = {
        email: await attempt(client.find_user_ids_by_email(email))
        for email in question["addresses"]
    }
    answer["cut_off"] = await cut_off(question, rownd, client)
    wrong = rownd.RowndClient(config(secret="ras_wrong"))
    answer["wrong_secret"] = await attempt(wrong.fetch_optional_user_info("user_verified"))
    json.dump(answer, sys.stdout)


async def cut_off(question, rownd, client):
    """What the plugin says of a token from before a sign-out everywhere, and of one from after."""
    path = f"{question['api_url']}/applications/{question['app_id']}/users/user_guest/signout"
    headers = {
        "x-rownd-app-key": question["app_key"],
        "x-rownd-app-secret": question["app_secret"],
    }
    async with httpx.AsyncClient() as http:
        signed_out = await http.post(path, headers=headers, json={"sign_out_all": True})
        signed_out.raise_for_status()
    profile = await client.fetch_fresh_user_info("user_guest")
    said = {}
    for when, issued_at in [("before", 1_000_000_000), ("after", 9_000_000_000)]:
        try:
            said[when] = rownd.validate_profile_token_cutoff(profile, issued_at)
        except rownd.RowndTokenValidationError as error:
            said[when] = error.reason.value
    return said


asyncio.run(main())
