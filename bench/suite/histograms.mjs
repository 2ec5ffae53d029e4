// Logs histograms of 1,000 values, with the default bins of each writer.

const python = (name, writer, peer, count) => ({
  name,
  program: 'log_with_python.py',
  args: [writer, 'histograms', count, '$dir'],
  peer,
  rounds: 3,
});

export const suite = {
  title: 'Histograms of 1,000 values',
  note: 'Default bins: 30 for polytrack and TensorFlow; the 1,549 of TensorFlow 1 for tensorboardX and PyTorch. Polyaxon gets the counts from numpy.',
  rounds: 5,
  metrics: [
    { key: 'nanoseconds', label: 'time per histogram', unit: 'ns', rate: 'histograms/s' },
    { key: 'cpu', label: 'processor time per histogram', unit: 'ns' },
  ],
  contestants: [
    {
      name: 'Run.logHistogram',
      program: 'log-large.mjs',
      args: ['histograms', 50_000, '$dir'],
      isOurs: true,
    },
    python('tensorboardX', 'tensorboardx', 'bench/tensorboardx', 1500),
    python('PyTorch SummaryWriter', 'pytorch', 'bench/pytorch', 800),
    python('TensorFlow tf.summary', 'tensorflow', 'bench/tensorflow', 400),
    python('Polyaxon Run', 'polyaxon', 'polyaxon', 2000),
  ],
  targets: [
    { metric: 'nanoseconds', against: 'tensorboardX', atLeast: 20 },
    { metric: 'nanoseconds', against: 'PyTorch SummaryWriter', atLeast: 45 },
  ],
};
