// An OpenID provider by `oidc-provider`, which others wrote, with a browser for its pages.
//
// In: nothing; it lives until its stdin ends. Out: one line of JSON on stdout: { version,
// issuer, resource, tokens: { ALG: { access, id, elsewhere, opaque, client } } }. Codes, PKCE,
// pages, keys and tokens are the library's; only the account and the resource are ours.
'use strict';

const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const { Issuer, generators } = require('openid-client');
const jose = require('jose');

const ALGORITHMS = ['EdDSA', 'ES256', 'RS256'];
const REDIRECT = 'http://127.0.0.1:7777/callback';
const RESOURCE = 'https://api.example.com';
const ELSEWHERE = 'https://elsewhere.example.com';
const USER = 'user-of-oidc-provider';

// It is a module of the new kind, which `require` does not find by NODE_PATH everywhere.
async function load() {
  const home = path.join(process.env.NODE_PATH, 'oidc-provider');
  const { version } = JSON.parse(fs.readFileSync(path.join(home, 'package.json'), 'utf8'));
  const { default: Provider } = await import(pathToFileURL(path.join(home, 'lib/index.js')));
  return { Provider, version };
}

async function keys() {
  const made = ALGORITHMS.map(async (alg) => {
    const { privateKey } = await jose.generateKeyPair(alg, { extractable: true });
    return { ...(await jose.exportJWK(privateKey)), kid: `op-${alg}`, alg, use: 'sig' };
  });
  return { keys: await Promise.all(made) };
}

function client(alg) {
  return {
    client_id: `client-${alg}`,
    client_secret: `secret-of-${alg}`,
    redirect_uris: [REDIRECT],
    grant_types: ['authorization_code'],
    id_token_signed_response_alg: alg,
  };
}

async function configuration() {
  return {
    clients: ALGORITHMS.map(client),
    jwks: await keys(),
    cookies: { keys: ['only-here'] },
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub }) }),
    enabledJWA: { idTokenSigningAlgValues: ALGORITHMS },
    features: {
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_, resource, { clientId }) => ({
          scope: 'read write',
          audience: resource,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: clientId.replace('client-', '') } },
        }),
      },
    },
  };
}

// The steps of a browser and its user: follow, sign in, consent, until sent back.
async function browse(first) {
  const jar = new Map();
  const go = async (url, form) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const body = form && new URLSearchParams(form);
    const answer = await fetch(url, {
      method: form ? 'POST' : 'GET', body, redirect: 'manual', headers: { cookie },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      jar.set(name, value);
    }
    return answer;
  };
  let url = first;
  for (let pages = 0; pages < 20 && !url.startsWith(REDIRECT); pages += 1) {
    let answer = await go(url);
    if (answer.status === 200) {
      const html = await answer.text();
      const prompt = /name="prompt" value="([^"]+)"/.exec(html)[1];
      const action = /<form[^>]* action="([^"]+)"/.exec(html)[1];
      answer = await go(new URL(action, url), { prompt, login: USER, password: 'any' });
    }
    url = new URL(answer.headers.get('location'), url).href;
  }
  return url;
}

async function sign_in(issuer, alg, resource) {
  const relying = new issuer.Client({ ...client(alg), response_types: ['code'] });
  const code_verifier = generators.codeVerifier();
  const checks = { state: generators.state(), nonce: generators.nonce(), code_verifier };
  const back = await browse(relying.authorizationUrl({
    scope: 'openid read', state: checks.state, nonce: checks.nonce, resource,
    code_challenge: generators.codeChallenge(code_verifier), code_challenge_method: 'S256',
  }));
  const extra = resource && { exchangeBody: { resource } };
  return relying.callback(REDIRECT, relying.callbackParams(back), checks, extra);
}

async function main() {
  const { Provider, version } = await load();
  const server = http.createServer();
  await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
  const address = `http://127.0.0.1:${server.address().port}`;
  server.on('request', new Provider(address, await configuration()).callback());
  const issuer = await Issuer.discover(address);
  const tokens = {};
  for (const alg of ALGORITHMS) {
    const good = await sign_in(issuer, alg, RESOURCE);
    const other = await sign_in(issuer, alg, ELSEWHERE);
    const opaque = await sign_in(issuer, alg, undefined);
    tokens[alg] = {
      access: good.access_token, id: good.id_token, elsewhere: other.access_token,
      opaque: opaque.access_token, client: client(alg).client_id,
    };
  }
  const answer = { version, issuer: address, resource: RESOURCE, user: USER, tokens };
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

// Its advice for production, some of which would go to stdout.
console.info = () => {};
console.warn = () => {};
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
