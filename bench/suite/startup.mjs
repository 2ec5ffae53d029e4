// Measures the start-up time, including that of the process.

const ours = (name, what, isOurs = false) => ({ name, program: 'start.mjs', args: [what], isOurs });
const python = (name, module, distribution, peer) => ({
  name,
  program: 'start_python.py',
  args: [module, distribution],
  peer,
});

export const suite = {
  title: 'Start-up: a process that imports the library and ends',
  rounds: 7,
  metrics: [
    { key: 'nanoseconds', label: 'time', unit: 'ns' },
    { key: 'rss', label: 'resident memory', unit: 'MiB' },
  ],
  contestants: [
    ours("import 'polytrack'", 'tracking', true),
    ours('floor: Node.js only', 'empty'),
    ours("import 'polytrack/uploader'", 'uploader'),
    ours('polytrack --help', 'cli'),
    python('tensorboardX', 'tensorboardX', 'tensorboardX', 'bench/tensorboardx'),
    python('PyTorch SummaryWriter', 'torch.utils.tensorboard', 'torch', 'bench/pytorch'),
    python('TensorFlow', 'tensorflow', 'tensorflow_cpu', 'bench/tensorflow'),
    python('Polyaxon Run', 'traceml.tracking', 'polyaxon', 'polyaxon'),
  ],
  targets: [
    // 1.6 times the time of Node.js, and 12 MiB above its 39 MiB.
    { metric: 'nanoseconds', against: 'floor: Node.js only', atLeast: 1 / 1.6 },
    { metric: 'rss', against: 'floor: Node.js only', atLeast: 39 / 51 },
  ],
};
