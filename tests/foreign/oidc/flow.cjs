// `openid-client` completes the code flow; the browser in between is played here.
//
// In: one JSON object on stdin: { issuer, flows: [{ name, client_id, client_secret,
// auth_method, pkce, user }] }. Out: one JSON object on stdout: { flows: {name: what came
// of it} }. The library checks state, nonce, `iss` and every signature itself.
'use strict';

const fs = require('node:fs');

const { Issuer, generators } = require('openid-client');

const REDIRECT = 'http://127.0.0.1:7777/callback';

// The steps of a browser and its user: open the page, choose, press the button, be sent back.
async function browse(url, user) {
  const page = await fetch(url, { redirect: 'manual' });
  const cookie = page.headers.getSetCookie
    ? page.headers.getSetCookie()[0].split(';')[0]
    : page.headers.get('set-cookie').split(';')[0];
  const html = await page.text();
  const action = new URL(/<form method="post" action="([^"]+)"/.exec(html)[1], url);
  const request = /name="request" value="([^"]+)"/.exec(html)[1];
  const answer = await fetch(action, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie },
    body: new URLSearchParams({ request, user, decision: 'allow' }),
  });
  return answer.headers.get('location');
}

async function run(issuer, flow) {
  const client = new issuer.Client({
    client_id: flow.client_id,
    client_secret: flow.client_secret,
    token_endpoint_auth_method: flow.auth_method,
    redirect_uris: [REDIRECT],
    response_types: ['code'],
  });
  const checks = { state: generators.state(), nonce: generators.nonce(), response_type: 'code' };
  const asked = { scope: 'openid profile email offline_access', ...checks };
  if (flow.pkce) {
    checks.code_verifier = generators.codeVerifier();
    asked.code_challenge = generators.codeChallenge(checks.code_verifier);
    asked.code_challenge_method = 'S256';
  }
  delete asked.response_type;
  const back = await browse(client.authorizationUrl(asked), flow.user);
  const tokens = await client.callback(REDIRECT, client.callbackParams(back), checks);
  // The library holds `sub` against the one in the ID token.
  const info = await client.userinfo(tokens);
  const refreshed = await client.refresh(tokens);
  const seen = await client.introspect(refreshed.access_token);
  await client.revoke(refreshed.access_token);
  const after = await client.introspect(refreshed.access_token);
  let replay = 'worked';
  try {
    await client.callback(REDIRECT, client.callbackParams(back), checks);
  } catch (error) {
    replay = error.error || error.message;
  }
  return {
    claims: tokens.claims(),
    info,
    refreshed: Boolean(refreshed.refresh_token),
    active: [seen.active, after.active],
    replay,
  };
}

async function main() {
  const { issuer: address, flows } = JSON.parse(fs.readFileSync(0, 'utf8'));
  const issuer = await Issuer.discover(address);
  const answer = { flows: {} };
  for (const flow of flows) {
    answer.flows[flow.name] = await run(issuer, flow);
  }
  process.stdout.write(JSON.stringify(answer));
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
