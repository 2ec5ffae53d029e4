// Measures an outage of the store during a run.
//
//   node bench/outage.mjs [--outage 600] [--before 30] [--after 60] [--rate 256KiB] [--interval 2] [--json]
//
// Two runs grow by `--rate` bytes per second. A `watch` uploads each of them to a separate server. One server stops after `--before` seconds,
// for `--outage` seconds, and the runs end `--after` seconds later. A proxy counts the requests of both, including failed connections. The
// measurement checks the uploader's memory, the time until it catches up, and that both stores are complete in the end.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseSize, runMeasurement, toMiB } from './support/arguments.mjs';
import { untilCaughtUp } from './support/caught-up.mjs';
import { CountingProxy } from './support/counting-proxy.mjs';
import { compareHashes, hashObjects, hashTree } from './support/hashes.mjs';
import { startS3Server, toS3Env } from './support/s3-server.mjs';
import { startWatch } from './support/uploader-process.mjs';

const PREFIX = 'team/';
/** Highest accepted ratio of the requests of the run with the outage to those of the clean run. */
const MAX_REQUEST_RATIO = 1.2;
/** How much more memory the uploader may need than without the outage. It leaves room for garbage that is not collected yet. */
const MAX_GROWTH_BYTES = 48 * 1024 * 1024;
const SAMPLE_MS = 1000;
const CATCH_UP_MS = 300_000;

await runMeasurement(
  { outage: '600', before: '30', after: '60', rate: '256KiB', interval: '2' },
  async ({ values, directory, onEnd, say }) => {
    const [outageMs, beforeMs, afterMs] = [values.outage, values.before, values.after].map(
      (text) => Number(text) * 1000,
    );
    const rate = parseSize(values.rate);
    const bytes = Math.round((rate * (outageMs + beforeMs + afterMs)) / 1000);
    const options = { bytes, rate, intervalSeconds: Number(values.interval), onEnd };
    const clean = await startScene(join(directory, 'clean'), options);
    const broken = await startScene(join(directory, 'broken'), options);

    await sleep(beforeMs);
    const before = broken.memory();
    say(`the server is stopped for ${values.outage} s`);
    await broken.server.stop();
    await sleep(outageMs);
    const during = {
      requests: broken.proxy.requests,
      refused: broken.proxy.refused,
      memory: broken.memory(),
    };
    await broken.server.start();
    say('the server is running again');
    const backMs = performance.now();
    const late = await untilCaughtUp(broken, { maxLagBytes: rate * 5, timeoutMs: CATCH_UP_MS });
    const recoveredMs = performance.now() - backMs;
    say(`caught up after ${(recoveredMs / 1000).toFixed(1)} s`);

    const failures = late.map((text) => `after the outage: ${text}`);
    for (const [name, scene] of Object.entries({ clean, broken })) {
      await scene.written;
      const missing = await untilCaughtUp(scene, { maxLagBytes: 0, timeoutMs: CATCH_UP_MS });
      failures.push(...missing.map((text) => `${name}: ${text}`));
      const code = await scene.watch.end('SIGTERM');
      if (code !== 0) failures.push(`${name}: watch ended with ${code}: ${scene.watch.output.slice(-2000)}`);
      const differences = compareHashes(await hashTree(scene.runs), await hashObjects(scene.server, PREFIX));
      failures.push(...differences.map((text) => `${name}: ${text}`));
    }
    const ratio = broken.proxy.requests / clean.proxy.requests;
    if (ratio > MAX_REQUEST_RATIO) failures.push(`${ratio.toFixed(2)} times the requests of a clean run`);
    const growth = broken.highest() - clean.highest();
    if (growth > MAX_GROWTH_BYTES)
      failures.push(`the uploader needs ${toMiB(growth)} more memory than without the outage`);
    const figures = {
      'run, outage': `${toMiB(bytes)} at ${values.rate}/s, ${values.outage} s`,
      'requests without and with outage': `${clean.proxy.requests}, ${broken.proxy.requests} (${ratio.toFixed(3)})`,
      'failed connections': during.refused,
      'caught up after': `${(recoveredMs / 1000).toFixed(1)} s`,
      'bytes on the wire without and with outage': `${toMiB(clean.proxy.sentBytes)}, ${toMiB(broken.proxy.sentBytes)}`,
      'peak memory before, during, in total': `${[before.highest, during.memory.highest, broken.highest()].map(toMiB).join(', ')}; without outage ${toMiB(clean.highest())}`,
      'operations without outage': JSON.stringify(Object.fromEntries(clean.proxy.operations)),
      'operations with outage': JSON.stringify(Object.fromEntries(broken.proxy.operations)),
    };
    return { figures, failures };
  },
);

/** Starts a server, a proxy, the writer of a run, and an uploader for it. */
async function startScene(directory, { bytes, rate, intervalSeconds, onEnd }) {
  const root = join(directory, 'root');
  mkdirSync(join(root, 'runs'), { recursive: true });
  const server = await startS3Server(join(directory, 's3'), 'runs');
  onEnd(() => server.stop());
  const proxy = await CountingProxy.start(server.port);
  onEnd(() => proxy.stop());
  const watch = startWatch({
    root,
    store: `s3://${server.bucket}/${PREFIX.slice(0, -1)}`,
    stateDir: join(directory, 'state'),
    env: toS3Env(proxy.endpoint, directory),
    home: directory,
    intervalSeconds,
  });
  onEnd(() => watch.end('SIGKILL'));
  const script = fileURLToPath(new URL('support/write-run.mjs', import.meta.url));
  const writer = spawn(
    process.execPath,
    [script, root, String(bytes), String(rate), String(128 * 1024 * 1024)],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  onEnd(() => writer.kill('SIGKILL'));
  let highest = 0;
  const sampler = setInterval(() => {
    if (watch.isRunning) highest = Math.max(highest, watch.memory().residentBytes);
  }, SAMPLE_MS);
  onEnd(() => clearInterval(sampler));
  return {
    runs: join(root, 'runs'),
    prefix: PREFIX,
    server,
    proxy,
    watch,
    written: once(writer, 'exit'),
    highest: () => highest,
    memory: () => ({ ...watch.memory(), highest }),
  };
}
