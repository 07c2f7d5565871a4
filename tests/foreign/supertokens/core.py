"""SuperTokens' own plugin for Rownd reads and writes users of the emulator's core.

In: one JSON object on stdin: {core, api_key, user, write: {field: value}}. Out: one JSON object on
stdout: {version, before, after}: the profile as the plugin shows it, before and after it wrote the
fields itself.

The plugin's routes call these functions with the user of a session.
"""

import asyncio
import importlib.metadata
import importlib.util
import json
import sys
import types
import unittest.mock


# Senders of e-mails and texts, which nothing here uses, and which are not installed.
for absent in ("aiosmtplib", "twilio", "twilio.rest", "pkce"):
    sys.modules[absent] = unittest.mock.MagicMock()


def repository():
    spec = importlib.util.find_spec("supertokens_rownd")
    bare = types.ModuleType("supertokens_rownd")
    bare.__path__ = list(spec.submodule_search_locations)
    sys.modules["supertokens_rownd"] = bare
    from supertokens_rownd import supertokens_repository
    from supertokens_rownd.types import RowndPluginConfig

    return supertokens_repository, RowndPluginConfig


async def main():
    question = json.load(sys.stdin)
    from supertokens_python import InputAppInfo, SupertokensConfig, init
    from supertokens_python.recipe import session, usermetadata

    init(
        supertokens_config=SupertokensConfig(
            connection_uri=question["core"], api_key=question["api_key"]
        ),
        app_info=InputAppInfo(
            app_name="test", api_domain="http://127.0.0.1", website_domain="http://127.0.0.1"
        ),
        framework="fastapi",
        mode="asgi",
        recipe_list=[session.init(), usermetadata.init()],
    )
    plugin, config_of = repository()
    config = config_of(
        rownd_app_key="key", rownd_app_secret="secret", schema={"plan": {"type": "string"}}
    )
    user = question["user"]
    answer = {"version": importlib.metadata.version("supertokens-rownd")}
    answer["before"] = await plugin.get_rownd_compat_user(user, config, user_context={})
    answer["after"] = await plugin.update_user_data(
        config, user, question["write"], user_context={}
    )
    json.dump(answer, sys.stdout)


asyncio.run(main())
