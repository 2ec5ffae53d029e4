// Reads 1,000 runs of 10,000 points each with loadRuns.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeRunRoot } from '../support/run-root.mjs';

const PROGRAM = fileURLToPath(new URL('../programs/load-runs.mjs', import.meta.url));
const ours = (name, how, rest = {}) => ({
  name,
  program: 'load-runs.mjs',
  args: [how, '$shared/root'],
  ...rest,
});

export const suite = {
  title: 'Reading 1,000 runs of 10,000 points each with loadRuns',
  note: 'The bytes that are read before the first columns of `run.metrics()`, and before the first rows of `exportMetrics`, are those that the system counts for the process. pyarrow reads the Parquet file of all runs; each number is compared with that of the event files.',
  rounds: 5,
  metrics: [
    { key: 'nanoseconds', label: 'time per point', unit: 'ns', rate: 'points/s' },
    { key: 'cpu', label: 'processor time per point', unit: 'ns' },
    { key: 'rss', label: 'resident memory at the end', unit: 'MiB' },
    { key: 'columnsShare', label: 'read before the first columns', unit: '% of the data' },
    { key: 'rowsShare', label: 'read before the first rows of an export', unit: '% of the data' },
    { key: 'different', label: 'numbers that pyarrow reads differently', unit: '' },
  ],
  prepare: (shared) => writeRunRoot(join(shared, 'root'), { runs: 1000, points: 10_000 }),
  contestants: [
    ours('loadRuns, run.metrics', 'columns', { isOurs: true }),
    ours('EventFileReader.readBatches, same files', 'batches'),
    ours('loadRuns, first rows', 'first', { rounds: 1 }),
    {
      ...{ name: 'Parquet export, read by pyarrow', program: 'read_parquet.py', peer: 'polyaxon', rounds: 1 },
      args: [process.execPath, PROGRAM, '$shared/root', '$dir'],
    },
  ],
  targets: [
    { metric: 'nanoseconds', against: 'EventFileReader.readBatches, same files', atLeast: 0.5 },
    { metric: 'cpu', against: 'EventFileReader.readBatches, same files', atLeast: 0.5 },
    { metric: 'columnsShare', of: 'loadRuns, first rows', atMost: 2 },
    { metric: 'rowsShare', of: 'loadRuns, first rows', atMost: 2 },
    { metric: 'different', of: 'Parquet export, read by pyarrow', atMost: 0 },
  ],
};
