// The vendor's Node client as a backend uses it: users written and deleted, smart links,
// and its middleware in a real Express.
//
// In: one JSON object on stdin: `{ api_url, app_key, app_secret, user, token, stranger }`
// (a user to write, a token of a known user, an invalid one). Out: one JSON object
// on stdout, with what each call answered.
'use strict';

const fs = require('node:fs');
const http = require('node:http');

const express = require('express');
const { createInstance } = require('@rownd/node');

const { user, token, stranger, ...config } = JSON.parse(fs.readFileSync(0, 'utf8'));

async function attempt(ask) {
  try {
    return { ok: true, answer: await ask() };
  } catch (error) {
    const status = error.response ? error.response.statusCode : null;
    return { ok: false, status, error: error.code || error.message };
  }
}

// A fresh client has no profile in its cache.
async function read(id) {
  return attempt(() => createInstance(config).fetchUserInfo({ user_id: id }));
}

// The middleware, in front of a handler that says who is there.
async function middleware(client) {
  const app = express();
  app.use(client.express.authenticate({ fetchUserInfo: true, errOnMissingUser: true }));
  app.get('/', (req, res) => res.json({ user: req.user, id: req.tokenInfo.user_id }));
  app.use((error, req, res, next) => {
    res.status(error.statusCode || 400).json({ error: error.name });
    next();
  });
  const server = http.createServer(app);
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${server.address().port}/`;
  const ask = async (headers) => {
    const answer = await fetch(url, { headers });
    return { status: answer.status, body: await answer.json() };
  };
  const answers = {
    none: await ask({}),
    good: await ask({ authorization: `Bearer ${token}` }),
    bad: await ask({ authorization: `Bearer ${stranger}` }),
  };
  server.close();
  return answers;
}

async function main() {
  const client = createInstance(config);
  // Reading waits until the client knows its app; writing does not on every path.
  await read('user_verified');
  await client.fetchUserInfo({ user_id: 'user_verified' });
  const answer = {};
  answer.created = await attempt(() => client.createOrUpdateUser(user));
  answer.read = await read(user.id);
  const changed = { ...user, data: { ...user.data, first_name: 'Changed' } };
  answer.updated = await attempt(() => client.createOrUpdateUser(changed));
  const wrong = { ...user, data: { ...user.data, email: 'no address' } };
  answer.refused = await attempt(() => client.createOrUpdateUser(wrong));
  answer.link = await attempt(() =>
    client.createSmartLink({ email: 'link@example.com', redirect_url: 'https://app.example.com/' }),
  );
  answer.deleted = await attempt(() => client.deleteUser(user.id));
  answer.gone = await read(user.id);
  const other = createInstance({ ...config, app_secret: 'ras_wrong' });
  answer.wrong_secret = await attempt(() => other.fetchUserInfo({ user_id: 'user_verified' }));
  answer.middleware = await middleware(client);
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
