// 200 MB of scalars to Polyaxon's event files, with the summaries of its lineage.

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
  title: "200 MB of scalars to Polyaxon's event files and summaries",
  note: "Ours reads the event file, checks it, writes Polyaxon's files and summarizes; Polyaxon's client summarizes files that are there, and does so anew at each sync.",
  rounds: 5,
  metrics: [
    { key: 'nanoseconds', label: 'time of a scalar', unit: 'ns', rate: 'scalars/s' },
    { key: 'cpu', label: 'processor time of a scalar', unit: 'ns' },
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
      name: "Polyaxon's summaries alone",
      program: 'summarize_with_polyaxon.py',
      args: ['$shared/plx/events/metric'],
      peer: 'polyaxon',
      rounds: 2,
    },
  ],
  targets: [
    { metric: 'nanoseconds', atMost: 1000 },
    { metric: 'nanoseconds', against: "Polyaxon's summaries alone", atLeast: 50 },
  ],
};
