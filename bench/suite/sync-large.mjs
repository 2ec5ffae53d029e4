// Ten files of 1 GiB, with checksums, to a real S3 server.

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
  note: 'Random bytes; the ten are names of one file, so that a disk has room for all, and are read ten times. The floor sends each in one request, the others in parts; all check.',
  rounds: 1,
  timeoutMs: 900_000,
  needs: ['s3'],
  metrics: [
    { key: 'nanoseconds', label: 'time of a file', unit: 'ns' },
    { key: 'cpu', label: 'processor time of a file', unit: 'ns' },
    { key: 'server', label: "processor time of the server's, for a file", unit: 'ns' },
    { key: 'again', label: 'time of a second sync, with nothing to do', unit: 'ns' },
    { key: 'againCpu', label: 'processor time of that', unit: 'ns' },
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
