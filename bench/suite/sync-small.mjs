// 10,000 files of 10 kB to a real S3 server.

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
  note: 'Eight at a time, each process from its start to its end; the server runs on the same processors, and is empty at the beginning. polytrack alone verifies, and remembers what is stored.',
  rounds: 2,
  needs: ['s3'],
  metrics: [
    { key: 'nanoseconds', label: 'time of a file', unit: 'ns', rate: 'files/s' },
    { key: 'cpu', label: 'processor time of a file', unit: 'ns', rate: 'files/core-second' },
    { key: 'server', label: "processor time of the server's, for a file", unit: 'ns' },
    { key: 'again', label: 'time of a second sync, with nothing to do', unit: 'ns' },
    { key: 'againCpu', label: 'processor time of that', unit: 'ns' },
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
