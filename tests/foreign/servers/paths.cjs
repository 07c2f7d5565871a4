// Reads paths as JSON from standard input; for each, writes the ways in which Node's URL parsers
// and Express's own read it.
const url = require('node:url');
const paths = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const express = process.argv[2] && require(process.argv[2]);
const readers = {
  'new URL': (path) => new URL(path, 'http://h').pathname,
  'url.parse': (path) => url.parse(path).pathname,
  'url.parse, a host behind slashes': (path) => url.parse(path, false, true).pathname,
};
if (express) readers.express = (path) => express({ url: path }).pathname;
const decoded = (text) => {
  try { return decodeURIComponent(text); } catch { return text; }
};
for (const path of paths) {
  const found = {};
  for (const [name, read] of Object.entries(readers)) {
    try {
      const text = read(path) ?? '';
      found[name] = [text, decoded(text)];
    } catch { found[name] = []; }
  }
  console.log(JSON.stringify(found));
}
