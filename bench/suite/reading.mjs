// Reads and verifies 200 MB of scalars.

import { join } from 'node:path';
import { countScalars, writeScalarFile } from '../support/scalar-file.mjs';

const SIZE_BYTES = 200e6;
/** For readers that would take minutes with the large file. */
const SMALL_BYTES = 4e6;
const FILE = 'events.out.tfevents.1700000000.bench';
const count = countScalars(SIZE_BYTES);
const smallCount = countScalars(SMALL_BYTES);
const ours = (name, how, rest = {}) => ({
  name,
  program: 'read.mjs',
  args: [how, `$shared/large/${FILE}`],
  ...rest,
});
const tensorboard = (name, how, directory, scalars) => ({
  name,
  program: 'read_with_tensorboard.py',
  args: [how, `$shared/${directory}`, scalars, scalars / 20 - 1],
  peer: 'tensorboard',
  rounds: 3,
});

export const suite = {
  title: 'Reading and verifying 200 MB of scalars',
  note: "TensorBoard's Rust server checks CRCs only with `--checksum`. Its time is that from its start to the last point, minus the time of a start with an empty directory.",
  rounds: 5,
  metrics: [
    { key: 'nanoseconds', label: 'time per scalar', unit: 'ns', rate: 'scalars/s' },
    { key: 'cpu', label: 'processor time per scalar', unit: 'ns' },
    { key: 'start', label: 'start-up, not included in the time above', unit: 'ns' },
    { key: 'rss', label: 'resident memory at the end', unit: 'MiB' },
  ],
  async prepare(shared) {
    await writeScalarFile(join(shared, 'large', FILE), SIZE_BYTES);
    await writeScalarFile(join(shared, 'small', FILE), SMALL_BYTES);
  },
  contestants: [
    ours('EventFileReader.readBatches', 'columns', { isOurs: true }),
    ours('floor: lengths and CRC only', 'frames'),
    ours('EventFileReader.read', 'events', { rounds: 2 }),
    ours('protobufjs decode, CRC', 'protobufjs', { rounds: 3 }),
    tensorboard('TensorBoard Python reader', 'python', 'small', smallCount),
    tensorboard('TensorBoard Rust server', 'rust', 'large', count),
    tensorboard('TensorBoard Rust server, --checksum', 'rust-checksum', 'large', count),
  ],
  targets: [
    { metric: 'nanoseconds', against: 'protobufjs decode, CRC', atLeast: 8 },
    { metric: 'nanoseconds', against: 'TensorBoard Python reader', atLeast: 100 },
    { metric: 'nanoseconds', against: 'TensorBoard Rust server', atLeast: 3 },
    { metric: 'nanoseconds', against: 'TensorBoard Rust server, --checksum', atLeast: 3 },
  ],
};
