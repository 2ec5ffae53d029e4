#!/usr/bin/env node

/**
 * The program that TensorBoard starts instead of the data server that it contains, if TENSORBOARD_DATA_SERVER_BINARY names it. It writes its port to a
 * file, and ends when TensorBoard ends, which closes its stdin.
 *
 * Source: tensorboard/data/server_ingester.py.
 */

import { renameSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { inBackground } from '../src/base/background.js';
import { messageOf } from '../src/base/errors.js';
import { nodeIo } from './base/io/io.js';
import { parseCapacity } from './data-server/start-data-server.js';
import { serveRuns } from './operations/tensorboard/serve-runs.js';

const { values: flags } = parseArgs({
  options: {
    logdir: { type: 'string', default: '.' },
    reload: { type: 'string', default: '5' },
    'samples-per-plugin': { type: 'string', default: '' },
    host: { type: 'string', default: 'localhost' },
    port: { type: 'string', default: '0' },
    'port-file': { type: 'string' },
    'error-file': { type: 'string' },
    'die-after-stdin': { type: 'boolean' },
    verbose: { type: 'boolean', multiple: true },
  },
  // TensorBoard passes on further flags, such as those that a user has for its own server.
  strict: false,
});

inBackground(main(), (error) => {
  const text = messageOf(error);
  const file = flags['error-file'];
  if (typeof file === 'string') writeFileSync(file, text);
  process.stderr.write(`${text}\n`);
  process.exitCode = 1;
});

async function main(): Promise<void> {
  const { port } = await serveRuns(String(flags.logdir), {
    ...{
      host: String(flags.host),
      port: Number(flags.port),
      io: nodeIo,
      environment: process.env,
      flags: {},
    },
    capacity: parseCapacity(String(flags['samples-per-plugin'])),
    reloadSeconds: flags.reload === 'once' ? 0 : Number(flags.reload) || undefined,
    onProblem: (message) => process.stderr.write(`${message}\n`),
  });
  const file = flags['port-file'];
  if (typeof file === 'string') {
    writeFileSync(`${file}.partial`, `${port}\n`);
    renameSync(`${file}.partial`, file);
  }
  if (flags['die-after-stdin'] === true) process.stdin.resume().on('end', () => process.exit(0));
}
