// Uploads ten files of 1 GiB, with checksums, to a real S3 server.

import { join } from 'node:path';
import { writeLargeFiles } from '../support/random-tree.mjs';

const COUNT = 10;
const GIB = 2 ** 30;
const contestant = (name, how, rest = {}) => ({
  name,
  program: 'sync-to-s3.mjs',
  args: [how, '$shared/root', '$dir'],
  ...rest,
});

export const suite = {
  title: `${COUNT} files of 1 GiB to an S3 server, with checksums`,
  note: 'The files have random bytes. They are ten hard links to one file, to save disk space, and are read ten times. The floor sends each file in one request, the others in parts. All use checksums.',
  rounds: 1,
  timeoutMs: 900_000,
  needs: ['s3'],
  metrics: [
    { key: 'nanoseconds', label: 'time per file', unit: 'ns' },
    { key: 'cpu', label: 'processor time per file', unit: 'ns' },
    { key: 'server', label: 'processor time of the server per file', unit: 'ns' },
    { key: 'again', label: 'time of a second sync, without changes', unit: 'ns' },
    { key: 'againCpu', label: 'processor time of the second sync', unit: 'ns' },
    { key: 'peak', label: 'peak resident memory', unit: 'MiB' },
  ],
  async prepare(shared) {
    writeLargeFiles(join(shared, 'root'), COUNT, GIB);
  },
  contestants: [
    contestant('polytrack sync', 'polytrack', { isOurs: true }),
    contestant('floor: node:http, signature, CRC', 'floor'),
    contestant('rclone sync', 'rclone', { peer: 'bench/rclone' }),
  ],
  targets: [
    { metric: 'nanoseconds', against: 'rclone sync', atLeast: 1 },
    { metric: 'peak', atMost: 200 },
  ],
};
