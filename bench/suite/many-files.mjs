// Scans 100,000 files: for the first time, and again while nothing changes.

import { join } from 'node:path';
import { writeSmallFiles } from '../support/random-tree.mjs';

const COUNT = 100_000;
const contestant = (name, how, rest = {}) => ({
  name,
  program: 'know-files.mjs',
  args: [how, '$shared/root', COUNT],
  ...rest,
});

export const suite = {
  title: '100,000 files in 1,000 directories: the first scan, and later scans while nothing changes',
  note: "polytrack's scanner and inventory, as in `sync` and `watch`. The floor keeps nothing. The files are one hour old, because polytrack follows files from the last minute more closely, with 300 bytes of memory each.",
  rounds: 3,
  metrics: [
    { key: 'nanoseconds', label: 'time of the first scan', unit: 'ns' },
    { key: 'above', label: 'peak memory, in addition to that after the import', unit: 'MiB' },
    { key: 'pass', label: 'processor time of a later scan', unit: 'ns' },
  ],
  async prepare(shared) {
    writeSmallFiles(join(shared, 'root'), COUNT, 100, { ageSeconds: 3_600 });
  },
  contestants: [
    contestant('polytrack', 'scan', { isOurs: true }),
    contestant('floor: readdir, lstat', 'floor'),
    contestant('chokidar, until `ready`', 'chokidar', { rounds: 2 }),
  ],
  targets: [
    { metric: 'nanoseconds', against: 'chokidar, until `ready`', atLeast: 5 },
    { metric: 'above', atMost: 60 },
    { metric: 'pass', atMost: 500e6 },
  ],
};
