// What it costs to keep a copy of files that grow: bytes sent for each new byte.
//
//   node bench/grow.mjs [--size 1GiB] [--rate 0] [--interval 2] [--rotate 128MiB] [--whole 128MiB] [--patience 600] [--json]
//
// `watch` uploads to the real S3 server while one program appends records to a plain event file and another tracks a run of ours that begins
// a new file every `--rotate`, both until `--size`, at `--rate` bytes a second (0: full speed). A proxy on the wire counts what is sent.
// Beside it: the plain file sent as a whole with the official SDK, at each of the sizes that the uploader has stored, scaled to `--whole`.
// Fails when the store has not caught up `--patience` seconds after the writers have ended.

import { parseSize, runMeasurement, toMiB } from './support/arguments.mjs';
import { measureGrowth, resendWhole } from './support/growth.mjs';

/** Acceptance: once a file is above 8 MiB, at most 1.05 bytes are sent for each new one. */
const MAX_RATIO = 1.05;

await runMeasurement(
  { size: '1GiB', rate: '0', interval: '2', rotate: '128MiB', whole: '128MiB', retryPolicy: '600' },
  async ({ values, ...scene }) => {
    const sizeBytes = parseSize(values.size);
    const growth = await measureGrowth(scene, {
      sizeBytes,
      rate: parseSize(values.rate),
      rotateBytes: parseSize(values.rotate),
      intervalSeconds: Number(values.interval),
      timeoutSeconds: Number(values.retryPolicy),
    });
    const { failures, ratio, sizes, totalBytes, wireBytes } = growth;
    if (!(ratio <= MAX_RATIO)) failures.push(`${ratio.toFixed(4)} bytes sent for each new one`);
    const scaledBytes = Math.min(sizeBytes, parseSize(values.whole));
    const whole = await resendWhole({ path: growth.plainPath, sizes, scaledBytes }, growth.server);
    const figures = {
      'new bytes': `${toMiB(totalBytes)} in ${growth.files} files`,
      'written within': `${toSeconds(growth.writtenMs)}; equal in the store after ${toSeconds(growth.caughtUpMs)}`,
      'commits of the plain file': sizes.length,
      'bytes sent / new bytes, above 8 MiB': `${ratio.toFixed(4)} (${toMiB(growth.sentBytes)} / ${toMiB(growth.grownBytes)})`,
      'everything on the wire / all bytes': `${(wireBytes / totalBytes).toFixed(4)} (${toMiB(wireBytes)})`,
      'whole-file upload, same growth': `${whole.ratio.toFixed(2)} (${toMiB(whole.sentBytes)} for ${toMiB(whole.newBytes)}, ${sizes.length} uploads, scaled)`,
      requests: JSON.stringify(growth.operations),
      'peak memory of the uploader': toMiB(growth.peakBytes),
    };
    return { figures, failures };
  },
);

function toSeconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}
