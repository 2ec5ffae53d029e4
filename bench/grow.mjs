// What it costs to keep a copy of files that grow: bytes sent for each new byte.
//
//   node bench/grow.mjs [--size 1GiB] [--rate 0] [--interval 2] [--rotate 128MiB] [--whole 128MiB] [--patience 600] [--json]
//
// `watch` uploads to the real S3 server while one program appends records to a plain event file and another tracks a run of ours that begins
// a new file every `--rotate`, both until `--size`, at `--rate` bytes a second (0: full speed). A proxy on the wire counts what is sent.
// Beside it: the plain file sent as a whole with the official SDK, at each of the sizes that the uploader has stored, scaled to `--whole`.
// Fails when the store has not caught up `--patience` seconds after the writers have ended.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { AmplificationCounter } from './support/amplification.mjs';
import { parseSize, runMeasurement, toMiB } from './support/arguments.mjs';
import { untilCaughtUp } from './support/caught-up.mjs';
import { CountingProxy } from './support/counting-proxy.mjs';
import { compareHashes, hashObjects, hashTree } from './support/hashes.mjs';
import { createS3Client, startS3Server, toS3Env } from './support/s3-server.mjs';
import { startWatch } from './support/uploader-process.mjs';

/** Acceptance: once a file is above 8 MiB, at most 1.05 bytes are sent for each new one. */
const LARGE_BYTES = 8 * 1024 * 1024;
const MAX_RATIO = 1.05;
const PREFIX = 'team/';

await runMeasurement(
  { size: '1GiB', rate: '0', interval: '2', rotate: '128MiB', whole: '128MiB', patience: '600' },
  async ({ values, directory, onEnd, say }) => {
    const sizeBytes = parseSize(values.size);
    const rate = String(parseSize(values.rate));
    const root = join(directory, 'root');
    const plainKey = `${'ab'.repeat(16)}/outputs/tensorboard/events.out.tfevents.1700000000.foreign`;
    mkdirSync(join(root, 'runs'), { recursive: true });

    const server = await startS3Server(join(directory, 's3'), 'runs');
    onEnd(() => server.stop());
    const proxy = await CountingProxy.start(server.port);
    onEnd(() => proxy.stop());
    const amplification = new AmplificationCounter(LARGE_BYTES);
    proxy.onRequest = (request) => amplification.onRequest(request);
    const watch = startWatch({
      root,
      store: `s3://${server.bucket}/${PREFIX.slice(0, -1)}`,
      stateDir: join(directory, 'state'),
      env: toS3Env(proxy.endpoint, directory),
      home: directory,
      intervalSeconds: Number(values.interval),
    });
    onEnd(() => watch.end('SIGKILL'));

    const startMs = performance.now();
    const writers = [
      start('grow-file.mjs', [join(root, 'runs', plainKey), String(sizeBytes), rate, 'events']),
      start('write-run.mjs', [root, String(sizeBytes), rate, String(parseSize(values.rotate))]),
    ];
    for (const writer of writers) onEnd(() => writer.kill('SIGKILL'));
    let peakBytes = 0;
    const sampler = setInterval(() => {
      if (watch.isRunning) peakBytes = Math.max(peakBytes, watch.memory().peakBytes);
    }, 500);
    onEnd(() => clearInterval(sampler));
    const codes = await Promise.all(writers.map(async (writer) => (await once(writer, 'exit'))[0]));
    const writtenMs = performance.now() - startMs;
    say(`written (${codes.join(', ')}); waiting for the uploader`);
    const failures = codes.some((code) => code !== 0) ? [`the writers ended with ${codes.join(', ')}`] : [];

    const scene = { runs: join(root, 'runs'), server, prefix: PREFIX, watch };
    failures.push(
      ...(await untilCaughtUp(scene, { maxLagBytes: 0, timeoutMs: Number(values.patience) * 1000 })),
    );
    const caughtUpMs = performance.now() - startMs;
    const code = await watch.end('SIGTERM');
    if (code !== 0) failures.push(`watch ended with ${code}: ${watch.output.slice(-2000)}`);
    const onWire = proxy.sentBytes;
    const operations = Object.fromEntries(proxy.operations);

    say('comparing');
    const onDisk = await hashTree(join(root, 'runs'));
    failures.push(...compareHashes(onDisk, await hashObjects(server, PREFIX)));
    const { sentBytes, grownBytes } = amplification.figures;
    const ratio = sentBytes / grownBytes;
    if (!(ratio <= MAX_RATIO)) failures.push(`${ratio.toFixed(4)} bytes sent for each new one`);

    const sizes = amplification.sizesOf(`${server.bucket}/${PREFIX}${plainKey}`);
    const totalBytes = Object.keys(onDisk).reduce(
      (sum, path) => sum + statSync(join(root, 'runs', path)).size,
      0,
    );
    const whole = await resendWhole(
      {
        path: join(root, 'runs', plainKey),
        sizes,
        scaledBytes: Math.min(sizeBytes, parseSize(values.whole)),
      },
      server,
    );
    const figures = {
      'new bytes': `${toMiB(totalBytes)} in ${Object.keys(onDisk).length} files`,
      'written within': `${(writtenMs / 1000).toFixed(1)} s; equal in the store after ${(caughtUpMs / 1000).toFixed(1)} s`,
      'commits of the plain file': sizes.length,
      'bytes sent / new bytes, above 8 MiB': `${ratio.toFixed(4)} (${toMiB(sentBytes)} / ${toMiB(grownBytes)})`,
      'everything on the wire / all bytes': `${(onWire / totalBytes).toFixed(4)} (${toMiB(onWire)})`,
      'whole-file upload, same growth': `${whole.ratio.toFixed(2)} (${toMiB(whole.sentBytes)} for ${toMiB(whole.newBytes)}, ${sizes.length} uploads, scaled)`,
      requests: JSON.stringify(operations),
      'peak memory of the uploader': toMiB(peakBytes),
    };
    return { figures, failures };
  },
);

function start(script, args) {
  const path = fileURLToPath(new URL(`support/${script}`, import.meta.url));
  return spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** Sends the file as a whole at each size, with the SDK as it comes; gives what went over the wire. */
async function resendWhole({ path, sizes, scaledBytes }, server) {
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
