// A service that knows its callers by passports. See ../README.md.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';

// By `require`, so that NODE_PATH may say where the package is.
const { createRemoteJWKSet, errors, jwtVerify } = createRequire(import.meta.url)('jose');

const FORMS = {
  jwt: { header: 'x-rownd-passport', typ: 'rownd-passport+jwt' },
  'txn-token': { header: 'txn-token', typ: 'txntoken+jwt' },
};
const { JWKS_URL, ISSUER, AUDIENCE, FORM = 'jwt', PORT = '8000' } = process.env;
const { header, typ } = FORMS[FORM];
// Each key of the set is bound to its own algorithm.
const keys = createRemoteJWKSet(new URL(JWKS_URL), { cacheMaxAge: 300_000 });

/** The claims of a good passport; an error of `jose` otherwise. */
async function claims(passports) {
  if (passports?.length !== 1) throw new errors.JWTInvalid('no passport, or several');
  const { payload } = await jwtVerify(passports[0], keys, {
    algorithms: ['ES256', 'EdDSA'],
    issuer: ISSUER,
    audience: AUDIENCE,
    // Another token of the same issuer is no passport.
    typ,
    requiredClaims: ['iss', 'aud', 'sub', 'iat', 'exp'],
    clockTolerance: 5,
  });
  return payload;
}

const server = createServer(async (request, response) => {
  let status = 200;
  let answer;
  try {
    answer = await claims(request.headersDistinct[header]);
  } catch (error) {
    [status, answer] = [401, { error: error.message }];
  }
  response.statusCode = status;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(answer));
});
server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`);
});
