// Syncs a root to a separate S3 server: node sync-to-s3.mjs <polytrack|rclone|sdk|floor> <root> <directory>
//
// Measures the client's process from start to end, and checks that the server has every file. Clients that detect stored files run a second time.

import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { listObjects } from '../support/hashes.mjs';
import { measureProcess } from '../support/measured-process.mjs';
import { readCpuMs } from '../support/process-stat.mjs';
import { rclone } from '../support/rclone.mjs';
import { startS3Server, toS3Env } from '../support/s3-server.mjs';
import { CLI } from '../support/uploader-process.mjs';
import { report } from '../support/values.mjs';

const [how, root, directory] = process.argv.slice(2);
const BUCKET = 'runs';
/** polytrack's default, used by all clients. */
const AT_A_TIME = 8;
const PUT_FILES = fileURLToPath(new URL('put-files.mjs', import.meta.url));
const runs = join(root, 'runs');
const sizes = new Map(
  readdirSync(runs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path.slice(runs.length + 1), statSync(path).size]),
);

const COMMANDS = {
  polytrack: () => ({
    command: process.execPath,
    args: [CLI, 'sync', root, '--store', `s3://${BUCKET}`, '--state-dir', join(directory, 'state')],
    version: readVersion('../../package.json'),
  }),
  rclone: () => rclone(['sync', runs, `s3:${BUCKET}`, '--transfers', AT_A_TIME, '--checksum']),
  sdk: () => ({
    command: process.execPath,
    args: [PUT_FILES, 'sdk', runs, BUCKET, String(AT_A_TIME)],
    version: readVersion('../../node_modules/@aws-sdk/client-s3/package.json'),
  }),
  floor: () => ({
    command: process.execPath,
    args: [PUT_FILES, 'floor', runs, BUCKET, String(AT_A_TIME)],
    version: process.version,
  }),
};
const { command, args, env = {}, version } = COMMANDS[how]();
const home = join(directory, 'home');
mkdirSync(home);
const server = await startS3Server(join(directory, 's3'), BUCKET, ['--keep-alive']);
try {
  const s3Env = toS3Env(server.endpoint, home);
  const before = readCpuMs(server.pid).own;
  const options = {
    cwd: home,
    env: { PATH: process.env.PATH, HOME: home, NODE_NO_WARNINGS: '1', ...s3Env, ...env },
  };
  const { nanoseconds, cpu, peak } = await measureProcess(command, args, options);
  const serverCpu = (readCpuMs(server.pid).own - before) * 1e6;
  await checkObjects();
  // The other two would upload all files again.
  const again = ['polytrack', 'rclone'].includes(how)
    ? await measureProcess(command, args, options)
    : undefined;
  const count = sizes.size;
  report({
    ...{ nanoseconds: nanoseconds / count, cpu: cpu / count, server: serverCpu / count },
    ...(again === undefined ? {} : { again: again.nanoseconds, againCpu: again.cpu }),
    ...{ total: nanoseconds, peak, version },
  });
} finally {
  await server.stop();
}

async function checkObjects() {
  let found = 0;
  for await (const { Key, Size } of listObjects(server, '')) if (sizes.get(Key) === Size) found++;
  if (found !== sizes.size) throw new Error(`the store has ${found} files, expected ${sizes.size}`);
}

function readVersion(path) {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version;
}
