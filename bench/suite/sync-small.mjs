// Uploads 10,000 files of 10 kB to a real S3 server.

import { join } from 'node:path';
import { writeSmallFiles } from '../support/random-tree.mjs';

const contestant = (name, how, rest = {}) => ({
  name,
  program: 'sync-to-s3.mjs',
  args: [how, '$shared/root', '$dir'],
  ...rest,
});

export const suite = {
  title: '10,000 files of 10 kB to an S3 server',
  note: 'Eight files at a time, measured from the start to the end of each process. The server runs on the same processors, and is empty at the start. Only polytrack verifies what it stored and keeps a journal.',
  rounds: 2,
  needs: ['s3'],
  metrics: [
    { key: 'nanoseconds', label: 'time per file', unit: 'ns', rate: 'files/s' },
    { key: 'cpu', label: 'processor time per file', unit: 'ns', rate: 'files/core-second' },
    { key: 'server', label: 'processor time of the server per file', unit: 'ns' },
    { key: 'again', label: 'time of a second sync, without changes', unit: 'ns' },
    { key: 'againCpu', label: 'processor time of the second sync', unit: 'ns' },
    { key: 'peak', label: 'peak resident memory', unit: 'MiB' },
  ],
  async prepare(shared) {
    writeSmallFiles(join(shared, 'root'), 10_000, 10_000);
  },
  contestants: [
    contestant('polytrack sync', 'polytrack', { isOurs: true }),
    contestant('floor: node:http, signature, CRC', 'floor'),
    contestant('official SDK, a loop', 'sdk'),
    contestant('rclone sync', 'rclone', { peer: 'bench/rclone' }),
  ],
  targets: [
    { metric: 'cpu', against: 'official SDK, a loop', atLeast: 2 },
    { metric: 'nanoseconds', against: 'rclone sync', atLeast: 1 },
  ],
};
