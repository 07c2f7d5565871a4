// The vendor's Node client judges tokens of the emulator.
//
// In: one JSON object on stdin: { api_url, app_key, app_secret, tokens: {name: token},
// users: [id] }. Out: one JSON object on stdout: { version, tokens: {name: verdict},
// users: {id: verdict} }, where a verdict is { ok: true, ... } or { ok: false, error }.
// Each process starts with empty caches, for the client keeps a key set for an hour.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const { createInstance } = require('@rownd/node');

// The package hides nothing behind `exports`, so its own version can be read.
const { version } = require(
  path.join(path.dirname(require.resolve('@rownd/node')), '..', 'package.json'),
);

async function verdict(ask) {
  try {
    return { ok: true, ...(await ask()) };
  } catch (error) {
    return { ok: false, error: error.code || String(error.message) };
  }
}

async function main() {
  const { tokens, users, ...config } = JSON.parse(fs.readFileSync(0, 'utf8'));
  const client = createInstance(config);
  const answer = { version, tokens: {}, users: {} };
  for (const [name, token] of Object.entries(tokens)) {
    answer.tokens[name] = await verdict(async () => {
      const { user_id } = await client.validateToken(token);
      return { user_id };
    });
  }
  for (const id of users) {
    answer.users[id] = await verdict(async () => {
      const { state, auth_level, data } = await client.fetchUserInfo({ user_id: id });
      return { state, auth_level, user_id: data.user_id };
    });
  }
  process.stdout.write(JSON.stringify(answer));
}

main().then(
  // Keep-alive sockets and the client's own retries would hold the process open.
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
