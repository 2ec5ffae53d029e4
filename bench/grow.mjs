// Measures how many bytes the uploader sends for each new byte of growing files.
//
//   node bench/grow.mjs [--size 1GiB] [--rate 0] [--interval 2] [--rotate 128MiB] [--whole 128MiB] [--timeout 600] [--json]
//
// `watch` uploads to a real S3 server. One program appends records to a plain event file, and another one writes a polytrack run that starts a new
// file every `--rotate` bytes. Both write `--size` bytes at `--rate` bytes per second (0: full speed). A proxy counts the bytes on the wire.
// For comparison, the official SDK uploads the whole plain file at each size that the uploader stored, scaled to `--whole`.
// Fails if the store has not caught up `--timeout` seconds after the writers ended.

import { parseSize, runMeasurement, toMiB } from './support/arguments.mjs';
import { measureGrowth, resendWhole } from './support/growth.mjs';

/** Highest accepted number of bytes sent per new byte, for files above 8 MiB. */
const MAX_RATIO = 1.05;

await runMeasurement(
  { size: '1GiB', rate: '0', interval: '2', rotate: '128MiB', whole: '128MiB', timeout: '600' },
  async ({ values, ...scene }) => {
    const sizeBytes = parseSize(values.size);
    const growth = await measureGrowth(scene, {
      sizeBytes,
      rate: parseSize(values.rate),
      rotateBytes: parseSize(values.rotate),
      intervalSeconds: Number(values.interval),
      timeoutSeconds: Number(values.timeout),
    });
    const { failures, ratio, sizes, totalBytes, wireBytes } = growth;
    if (!(ratio <= MAX_RATIO)) failures.push(`${ratio.toFixed(4)} bytes sent for each new byte`);
    const scaledBytes = Math.min(sizeBytes, parseSize(values.whole));
    const whole = await resendWhole({ path: growth.plainPath, sizes, scaledBytes }, growth.server);
    const figures = {
      'new bytes': `${toMiB(totalBytes)} in ${growth.files} files`,
      'written within': `${toSeconds(growth.writtenMs)}; complete in the store after ${toSeconds(growth.caughtUpMs)}`,
      'commits of the plain file': sizes.length,
      'bytes sent / new bytes, above 8 MiB': `${ratio.toFixed(4)} (${toMiB(growth.sentBytes)} / ${toMiB(growth.grownBytes)})`,
      'bytes on the wire / all bytes': `${(wireBytes / totalBytes).toFixed(4)} (${toMiB(wireBytes)})`,
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
