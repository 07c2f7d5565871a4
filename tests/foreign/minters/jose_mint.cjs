// npm's jose mints what it is told to; in and out as in `pyjwt_mint.py`.
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { SignJWT, exportJWK, generateKeyPair } = require('jose');

const version = JSON.parse(
  fs.readFileSync(path.join(process.env.NODE_PATH, 'jose', 'package.json'), 'utf8'),
).version;

async function main() {
  const { orders } = JSON.parse(fs.readFileSync(0, 'utf8'));
  const pairs = {};
  const strangers = {};
  const keys = [];
  for (const alg of ['EdDSA', 'ES256', 'RS256']) {
    pairs[alg] = await generateKeyPair(alg);
    strangers[alg] = await generateKeyPair(alg);
    const jwk = await exportJWK(pairs[alg].publicKey);
    keys.push({ ...jwk, kid: `jose-${alg}`, alg, use: 'sig' });
  }
  const mint = ({ alg, header, claims }, { privateKey }) =>
    new SignJWT(claims)
      .setProtectedHeader({ alg, kid: `jose-${alg}`, ...header })
      .sign(privateKey);
  const tokens = {};
  for (const order of orders) {
    tokens[order.name] = {
      good: await mint(order, pairs[order.alg]),
      forged: await mint(order, strangers[order.alg]),
    };
  }
  console.log(JSON.stringify({ library: `jose ${version}`, keys, tokens }));
}

main();
