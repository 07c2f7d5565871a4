// A receiver of events. See ../README.md.

import { createServer } from 'node:http';
import { createRequire } from 'node:module';

// By `require`, so that NODE_PATH may say where the package is.
const { Webhook, WebhookVerificationError } = createRequire(import.meta.url)('standardwebhooks');

const { SECRET, PORT = '8000' } = process.env;
const MAX_BYTES = 256 * 1024;
const MAX_IDS = 10_000;
const webhook = new Webhook(SECRET);
const handled = new Set();

/** The body as it was sent: the signature is about these bytes. */
async function body(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new WebhookVerificationError('too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function handle(event) {
  if (handled.has(event.id)) return;
  console.log(`${event.type} ${event.id}`);
  handled.add(event.id);
  if (handled.size > MAX_IDS) handled.delete(handled.values().next().value);
}

const server = createServer(async (request, response) => {
  try {
    handle(webhook.verify(await body(request), request.headers));
    response.statusCode = 204;
  } catch (error) {
    response.statusCode = error instanceof WebhookVerificationError ? 401 : 400;
  }
  response.end();
});
server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`listening on ${server.address().port}`);
});
