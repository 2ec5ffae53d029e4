// Converts 200 MB of scalars to Polyaxon event files, with the summaries for the lineage.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeScalarFile } from '../support/scalar-file.mjs';

const FILE = 'events.out.tfevents.1700000000.bench';
const PROJECT = fileURLToPath(new URL('../programs/export.mjs', import.meta.url));
const ours = (name, how, rest = {}) => ({
  name,
  program: 'export.mjs',
  args: [how, `$shared/${FILE}`, '$dir'],
  ...rest,
});

export const suite = {
  title: 'Converting 200 MB of scalars to Polyaxon event files and summaries',
  note: "polytrack reads and verifies the event file, writes Polyaxon's files and computes the summaries. Polyaxon's client only computes the summaries of existing files, again at each sync.",
  rounds: 5,
  metrics: [
    { key: 'nanoseconds', label: 'time per scalar', unit: 'ns', rate: 'scalars/s' },
    { key: 'cpu', label: 'processor time per scalar', unit: 'ns' },
    { key: 'rss', label: 'resident memory at the end', unit: 'MiB' },
  ],
  async prepare(shared) {
    await writeScalarFile(join(shared, FILE), 200e6);
    execFileSync(process.execPath, [PROJECT, 'columns', join(shared, FILE), join(shared, 'plx')]);
  },
  contestants: [
    ours('Exporter.pushScalars', 'columns', { isOurs: true }),
    ours('Exporter.push', 'events', { rounds: 2 }),
    {
      name: "Polyaxon's summaries only",
      program: 'summarize_with_polyaxon.py',
      args: ['$shared/plx/events/metric'],
      peer: 'polyaxon',
      rounds: 2,
    },
  ],
  targets: [
    { metric: 'nanoseconds', atMost: 1000 },
    { metric: 'nanoseconds', against: "Polyaxon's summaries only", atLeast: 50 },
  ],
};
