// Uploads a growing file: node grow.mjs <watch|whole> <bytes> <bytes per second> <interval in seconds> <directory>
//
// `watch` uses polytrack. `whole` uploads the whole file at each interval with the official SDK, for a file of an eighth of the size.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measureGrowth, resendWhole } from '../support/growth.mjs';
import { startS3Server } from '../support/s3-server.mjs';
import { report } from '../support/values.mjs';

const [how, bytesText, rateText, intervalText, directory] = process.argv.slice(2);
const [sizeBytes, rate, intervalSeconds] = [bytesText, rateText, intervalText].map(Number);
const SCALE = 8;
const TIMEOUT_SECONDS = 120;
const enders = [];
const onEnd = (end) => enders.push(end);

try {
  await { watch: measureWatch, whole: measureWhole }[how]();
} finally {
  for (const end of enders.reverse()) await end();
}

async function measureWatch() {
  const growth = await measureGrowth(
    { directory, onEnd, say: () => undefined },
    { sizeBytes, rate, intervalSeconds, rotateBytes: 0, timeoutSeconds: TIMEOUT_SECONDS },
  );
  if (growth.failures.length > 0) throw new Error(growth.failures.join('; '));
  report({
    ratio: growth.ratio,
    wire: growth.wireBytes / growth.totalBytes,
    cpu: growth.cpuMs * 1e6,
    peak: growth.peakBytes / 2 ** 20,
    commits: growth.sizes.length,
    version: readVersion('../../package.json'),
  });
}

async function measureWhole() {
  const scaledBytes = sizeBytes / SCALE;
  const path = join(directory, 'whole');
  const writer = fileURLToPath(new URL('../support/grow-file.mjs', import.meta.url));
  const { status } = spawnSync(process.execPath, [writer, path, String(scaledBytes), '0', 'events']);
  if (status !== 0) throw new Error(`the writer ended with ${status}`);
  const server = await startS3Server(join(directory, 's3'), 'runs');
  onEnd(() => server.stop());
  const count = Math.ceil(sizeBytes / (rate * intervalSeconds));
  const sizes = Array.from({ length: count }, (_, i) =>
    Math.min(sizeBytes, (i + 1) * rate * intervalSeconds),
  );
  const { ratio } = await resendWhole({ path, sizes, scaledBytes }, server);
  report({
    ...{ ratio, wire: ratio, commits: count },
    version: readVersion('../../node_modules/@aws-sdk/client-s3/package.json'),
  });
}

function readVersion(path) {
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version;
}
