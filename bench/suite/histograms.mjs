// Histograms of 1,000 values, each writer with the bins that it takes by itself.

const python = (name, writer, peer, count) => ({
  name,
  program: 'log_with_python.py',
  args: [writer, 'histograms', count, '$dir'],
  peer,
  rounds: 3,
});

export const suite = {
  title: 'Histograms of 1,000 values',
  note: "Bins by default: ours and TensorFlow's 30; tensorboardX and PyTorch TensorFlow 1's 1,549; Polyaxon is given the counts of numpy.",
  rounds: 5,
  metrics: [
    { key: 'nanoseconds', label: 'time of a histogram', unit: 'ns', rate: 'histograms/s' },
    { key: 'cpu', label: 'processor time of a histogram', unit: 'ns' },
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
