// Unpacks Chromium as its package brings it.
//
// In: the folder that holds `node_modules`. Out: `chromium`, with what it needs beside it, and `lib` and
// `fonts` for machines that have none.
'use strict';

const { execFileSync } = require('node:child_process');
const { createReadStream, createWriteStream, rmSync, writeFileSync } = require('node:fs');
const { join, resolve } = require('node:path');
const { pipeline } = require('node:stream/promises');
const { createBrotliDecompress } = require('node:zlib');

const here = process.argv[2];
const packed = join(here, 'node_modules', '@sparticuz', 'chromium', 'bin');

async function unpack(name, to) {
  const mode = name === 'chromium.br' ? 0o755 : 0o644;
  const out = createWriteStream(to, { mode });
  await pipeline(createReadStream(join(packed, name)), createBrotliDecompress(), out);
}

// The configuration of fontconfig that finds the fonts of this folder, and no others.
const fontsOf = (home) => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${join(home, 'fonts')}</dir>
  <cachedir>${join(home, 'fonts-cache')}</cachedir>
</fontconfig>
`;

async function main() {
  for (const name of ['al2023.tar.br', 'swiftshader.tar.br', 'fonts.tar.br']) {
    const tar = join(here, 'unpacked.tar');
    await unpack(name, tar);
    execFileSync('tar', ['xf', tar, '-C', here]);
    rmSync(tar);
  }
  // The file that comes with it names places of another system, where there are no fonts.
  writeFileSync(join(here, 'fonts.conf'), fontsOf(resolve(here)));
  // The last one: its presence says that all is there.
  await unpack('chromium.br', join(here, 'chromium'));
  rmSync(packed, { recursive: true });
}

main();
