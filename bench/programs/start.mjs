// Starts a program and measures its time and memory: node start.mjs <empty|module path|cli>

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { report } from '../support/values.mjs';

const [what] = process.argv.slice(2);
const dist = fileURLToPath(new URL('../../dist/', import.meta.url));
const RSS = "console.log('rss', process.memoryUsage.rss() / 2 ** 20)";
const COMMANDS = {
  empty: ['--input-type=module', '-e', RSS],
  tracking: ['--input-type=module', '-e', `await import('${dist}src/index.js'); ${RSS}`],
  uploader: ['--input-type=module', '-e', `await import('${dist}uploader/index.js'); ${RSS}`],
  cli: [`${dist}uploader/cli.js`, '--help'],
};
const start = process.hrtime.bigint();
const { status, stdout, stderr } = spawnSync(process.execPath, COMMANDS[what], { encoding: 'utf8' });
const nanoseconds = Number(process.hrtime.bigint() - start);
if (status !== 0) throw new Error(stderr);
const rss = /rss ([\d.]+)/.exec(stdout)?.[1];
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
report({
  nanoseconds,
  ...(rss === undefined ? {} : { rss: Number(rss) }),
  version: what === 'empty' ? process.version : version,
});
