// Counts on the wire what `watch` sends for a growing file, and what whole-file uploads of the same growth send.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { AmplificationCounter } from './amplification.mjs';
import { untilCaughtUp } from './caught-up.mjs';
import { CountingProxy } from './counting-proxy.mjs';
import { compareHashes, hashObjects, hashTree } from './hashes.mjs';
import { createS3Client, startS3Server, toS3Env } from './s3-server.mjs';
import { startWatch } from './uploader-process.mjs';

/** Files below this size are always sent whole. */
const LARGE_BYTES = 8 * 1024 * 1024;
const PREFIX = 'team/';
const PLAIN_KEY = `${'ab'.repeat(16)}/outputs/tensorboard/events.out.tfevents.1700000000.foreign`;

/**
 * Writes a plain event file of `sizeBytes` at `rate` bytes per second (0: full speed), and at the same time a polytrack run that starts a new file
 * every `rotateBytes`, unless that is 0. Waits until the store has all of them. Returns figures and failures.
 */
export async function measureGrowth({ directory, onEnd, say }, options) {
  const { sizeBytes, rate, rotateBytes, intervalSeconds, timeoutSeconds } = options;
  const root = join(directory, 'root');
  mkdirSync(join(root, 'runs'), { recursive: true });

  const server = await startS3Server(join(directory, 's3'), 'runs');
  onEnd(() => server.stop());
  const proxy = await CountingProxy.start(server.port);
  onEnd(() => proxy.stop());
  const amplification = new AmplificationCounter(LARGE_BYTES);
  proxy.onRequest = (request) => amplification.onRequest(request);
  const watch = startWatch({
    ...{ root, home: directory, intervalSeconds },
    store: `s3://${server.bucket}/${PREFIX.slice(0, -1)}`,
    stateDir: join(directory, 'state'),
    env: toS3Env(proxy.endpoint, directory),
  });
  onEnd(() => watch.end('SIGKILL'));

  const startMs = performance.now();
  const plainPath = join(root, 'runs', PLAIN_KEY);
  const writers = [start('grow-file.mjs', [plainPath, sizeBytes, rate, 'events'])];
  if (rotateBytes > 0) writers.push(start('write-run.mjs', [root, sizeBytes, rate, rotateBytes]));
  for (const writer of writers) onEnd(() => writer.kill('SIGKILL'));
  let peakBytes = 0;
  let cpuMs = 0;
  const sampler = setInterval(() => {
    if (!watch.isRunning) return;
    peakBytes = Math.max(peakBytes, watch.memory().peakBytes);
    cpuMs = watch.cpuMs();
  }, 500);
  onEnd(() => clearInterval(sampler));
  const codes = await Promise.all(writers.map(async (writer) => (await once(writer, 'exit'))[0]));
  const writtenMs = performance.now() - startMs;
  say(`the writers ended with ${codes.join(', ')}; waiting for the uploader`);
  const failures = codes.some((code) => code !== 0) ? [`the writers ended with ${codes.join(', ')}`] : [];

  const scene = { runs: join(root, 'runs'), server, prefix: PREFIX, watch };
  failures.push(...(await untilCaughtUp(scene, { maxLagBytes: 0, timeoutMs: timeoutSeconds * 1000 })));
  const caughtUpMs = performance.now() - startMs;
  const code = await watch.end('SIGTERM');
  if (code !== 0) failures.push(`watch ended with ${code}: ${watch.output.slice(-2000)}`);

  say('comparing files and objects');
  const onDisk = await hashTree(join(root, 'runs'));
  failures.push(...compareHashes(onDisk, await hashObjects(server, PREFIX)));
  const { sentBytes, grownBytes } = amplification.figures;
  return {
    ...{ failures, server, plainPath, writtenMs, caughtUpMs, peakBytes, cpuMs, sentBytes, grownBytes },
    ratio: sentBytes / grownBytes,
    wireBytes: proxy.sentBytes,
    operations: Object.fromEntries(proxy.operations),
    files: Object.keys(onDisk).length,
    totalBytes: Object.keys(onDisk).reduce((sum, path) => sum + statSync(join(root, 'runs', path)).size, 0),
    /** Size of the plain file at each commit. */
    sizes: amplification.sizesOf(`${server.bucket}/${PREFIX}${PLAIN_KEY}`),
  };
}

/** Uploads the whole file at each size with the default SDK. The last size is scaled to `scaledBytes`, the others with it. */
export async function resendWhole({ path, sizes, scaledBytes }, server) {
  const proxy = await CountingProxy.start(server.port);
  const client = createS3Client(proxy.endpoint);
  const factor = scaledBytes / (sizes.at(-1) ?? 1);
  for (const size of sizes) {
    const ContentLength = Math.max(1, Math.round(size * factor));
    const Body = createReadStream(path, { end: ContentLength - 1, highWaterMark: 1024 * 1024 });
    await client.send(new PutObjectCommand({ Bucket: server.bucket, Key: 'whole', Body, ContentLength }));
  }
  client.destroy();
  proxy.stop();
  return { sentBytes: proxy.sentBytes, newBytes: scaledBytes, ratio: proxy.sentBytes / scaledBytes };
}

function start(script, args) {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return spawn(process.execPath, [path, ...args.map(String)], { stdio: ['ignore', 'inherit', 'inherit'] });
}
