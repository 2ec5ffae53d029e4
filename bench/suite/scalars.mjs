// Logs scalars with every writer, one call per value. The time ends when everything is in the file.

const COUNT = 3_000_000;
const ours = (name, how, isOurs = false) => ({
  name,
  program: 'log-scalars.mjs',
  args: [how, COUNT, '$dir'],
  isOurs,
});
const python = (name, writer, peer, count, rounds) => ({
  name,
  program: 'log_with_python.py',
  args: [writer, 'scalars', count, '$dir'],
  peer,
  rounds,
});

export const suite = {
  title: 'Scalars: one call, one value',
  rounds: 5,
  metrics: [
    { key: 'nanoseconds', label: 'time per scalar', unit: 'ns', rate: 'scalars/s' },
    { key: 'cpu', label: 'processor time per scalar', unit: 'ns' },
  ],
  contestants: [
    ours('Run.logMetric', 'metric', true),
    ours('floor: finished records, CRC, writeSync', 'floor'),
    ours('Run.logMetrics, 20 names', 'metrics'),
    ours('Run.logMetricSeries', 'series'),
    { ...ours('protobufjs, CRC, writeSync', 'protobufjs'), args: ['protobufjs', 400_000, '$dir'] },
    python('tensorboardX', 'tensorboardx', 'bench/tensorboardx', 20_000, 3),
    python('PyTorch SummaryWriter', 'pytorch', 'bench/pytorch', 30_000, 3),
    python('TensorFlow tf.summary', 'tensorflow', 'bench/tensorflow', 5_000, 3),
    python('TensorBoard EventFileWriter', 'tensorboard', 'tensorboard', 30_000, 3),
    python('Polyaxon Run', 'polyaxon', 'polyaxon', 20_000, 3),
  ],
  targets: [
    { metric: 'nanoseconds', against: 'tensorboardX', atLeast: 300 },
    { metric: 'nanoseconds', against: 'PyTorch SummaryWriter', atLeast: 200 },
    { metric: 'nanoseconds', against: 'TensorFlow tf.summary', atLeast: 1000 },
    { metric: 'nanoseconds', against: 'TensorBoard EventFileWriter', atLeast: 100 },
    { metric: 'nanoseconds', against: 'Polyaxon Run', atLeast: 1000 },
    { metric: 'nanoseconds', against: 'floor: finished records, CRC, writeSync', atLeast: 1 / 1.3 },
  ],
};
