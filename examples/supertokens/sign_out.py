"""A SuperTokens session that is signed out ends at rownd-authz at once.

In: the sign-outs of a SuperTokens backend. Out: the same, each told to rownd-authz first, with the access
token of the session, which is the proof. A rownd-authz that cannot be reached keeps nobody from signing out.

    from supertokens_python.recipe import session
    from sign_out import told_to

    session.init(override=session.InputOverrideConfig(
        apis=told_to("http://127.0.0.1:8085/webhooks/page/post-sign-out")))
"""

import logging

import httpx

LOG = logging.getLogger(__name__)


def told_to(url, timeout=2.0):
    """The override of the session recipe's APIs that tells sign-outs to this URL."""

    def override(apis):
        signout_post = apis.signout_post

        async def tell(session, api_options, user_context):
            try:
                async with httpx.AsyncClient(timeout=timeout) as client:
                    body = {"access_token": session.get_access_token()}
                    answer = await client.post(url, json=body)
                    answer.raise_for_status()
            except httpx.HTTPError as error:
                # Its message has the URL and the status, never the token.
                LOG.warning("rownd-authz was not told of a sign-out: %s", error)
            return await signout_post(session, api_options, user_context)

        apis.signout_post = tell
        return apis

    return override
