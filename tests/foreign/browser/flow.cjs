// A user signs in with a real browser: Chromium, driven by playwright-core.
//
// In: one JSON object on stdin: { chromium, page, provider, port, token, urls: { allow, deny, second, own
// } }: the browser, the page of examples/interaction, the URL of the provider, the port for the page and
// the client, the user's access token, and a URL of the provider for each visit. Out: one JSON object on
// stdout: what the page showed, and where the browser ended.
'use strict';

const { readFileSync } = require('node:fs');
const { createServer } = require('node:http');
const { dirname, join } = require('node:path');

const { chromium } = require('playwright-core');

// The page of the app at `/`, the client's callback, and what a thief listens on.
function serve({ page, provider, port }, stolen) {
  const html = readFileSync(page, 'utf8').replaceAll('http://127.0.0.1:8787', provider);
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    if (pathname === '/steal') stolen.push(request.method);
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(pathname === '/' ? html : '<!doctype html><title>Back</title>');
  });
  return new Promise((ready) => server.listen(port, '127.0.0.1', () => ready(server)));
}

const isBack = (url) => url.pathname === '/callback';

// A visit in a browser of its own, without cookies. Errors of the page's scripts end the program.
async function visit(browser, steps) {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  page.on('pageerror', (error) => {
    throw error;
  });
  try {
    return await steps(page);
  } finally {
    await context.close();
  }
}

// The texts of the page of the app, once it has them.
async function shown(page) {
  await page.waitForFunction(() => document.querySelectorAll('#scopes li').length > 0);
  return {
    at: new URL(page.url()).host,
    client: await page.textContent('#client'),
    scopes: await page.locator('#scopes li').allTextContents(),
  };
}

async function problem(page) {
  const found = page.locator('#problem:not(:empty)');
  await found.waitFor();
  return found.textContent();
}

async function decide(page, token, decision) {
  await page.fill('#token', token);
  await page.click(`button[value=${decision}]`);
  await page.waitForURL(isBack);
  return page.url();
}

async function main() {
  const asked = JSON.parse(readFileSync(0, 'utf8'));
  const { urls, token, port, provider } = asked;
  const stolen = [];
  const server = await serve(asked, stolen);
  const home = dirname(asked.chromium);
  const browser = await chromium.launch({
    executablePath: asked.chromium,
    // Chromium's sandbox needs rights that a container has not.
    args: ['--no-sandbox', '--disable-gpu'],
    env: { ...process.env, LD_LIBRARY_PATH: join(home, 'lib'), FONTCONFIG_PATH: home },
  });
  const answer = { version: browser.version() };

  // A token that is none first: the page says so, and the user tries again.
  answer.allow = await visit(browser, async (page) => {
    await page.goto(urls.allow);
    const seen = await shown(page);
    await page.fill('#token', 'no-token');
    await page.click('button[value=allow]');
    const refused = await problem(page);
    return { ...seen, refused, back: await decide(page, token, 'allow') };
  });

  answer.deny = await visit(browser, async (page) => {
    await page.goto(urls.deny);
    await shown(page);
    return { back: await decide(page, token, 'deny') };
  });

  // Somebody else has the way back, and not the cookie of the browser that began.
  answer.second = await visit(browser, async (page) => {
    await page.goto(urls.second);
    await shown(page);
    let way = null;
    await page.route('**/oidc/*/auth/*', (route) => {
      way = route.request().url();
      return route.abort();
    });
    await page.fill('#token', token);
    const left = page.waitForEvent('requestfailed');
    await page.click('button[value=allow]');
    await left;
    const other = await visit(browser, async (page) => {
      const answer = await page.goto(way);
      return { status: answer.status(), at: new URL(page.url()).pathname };
    });
    await page.unroute('**/oidc/*/auth/*');
    await page.goto(way);
    return { other, back: page.url() };
  });

  // A link of a thief: the page sends the token nowhere.
  answer.thief = await visit(browser, async (page) => {
    const to = encodeURIComponent(`http://localhost:${port}/steal`);
    await page.goto(`http://localhost:${port}/?interaction_url=${to}`);
    const first = await problem(page);
    await page.fill('#token', token);
    await page.click('button[value=allow]');
    return { first, then: await problem(page), stolen };
  });

  // A page of another site may not read what the provider says about a request, nor decide it.
  answer.other_site = await visit(browser, async (page) => {
    let url = null;
    page.on('request', (request) => {
      if (request.url().includes('/interaction/')) url = request.url();
    });
    await page.goto(urls.other_site);
    await shown(page);
    await page.goto(`http://127.0.0.1:${port}/callback`);
    const ask = ([url, options]) => fetch(url, options).then(() => 'read', () => 'refused');
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ decision: 'allow' });
    return {
      read: await page.evaluate(ask, [url, {}]),
      decided: await page.evaluate(ask, [url, { method: 'POST', headers, body }]),
    };
  });

  // The provider's own page, for a client without one.
  answer.own = await visit(browser, async (page) => {
    await page.goto(urls.own);
    const seen = {
      client: await page.textContent('h1'),
      scopes: await page.locator('li').allTextContents(),
    };
    await page.selectOption('select[name=user]', 'ann');
    await page.click('button[value=allow]');
    await page.waitForURL(isBack);
    return { ...seen, back: page.url() };
  });

  await browser.close();
  server.close();
  process.stdout.write(JSON.stringify(answer));
}

main();
