// 100,000 files: to know them, and to look again while nothing changes.

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
  title: '100,000 files in 1,000 directories: to know them, and to look again while nothing changes',
  note: "polytrack's scanner and tracker, as `sync` and `watch` have them; the floor keeps nothing of what it has seen. The files are an hour old: those of the last minute are watched more closely, for 300 bytes each.",
  rounds: 3,
  metrics: [
    { key: 'nanoseconds', label: 'time until all are known', unit: 'ns' },
    { key: 'above', label: 'peak memory above that after the import', unit: 'MiB' },
    { key: 'pass', label: 'processor time of a pass while nothing changes', unit: 'ns' },
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
