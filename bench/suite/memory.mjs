// Measures memory while 10 million scalars are logged.

export const suite = {
  title: 'Memory while 10 million scalars are logged',
  rounds: 3,
  metrics: [
    { key: 'above', label: 'peak, in addition to that after the import', unit: 'MiB' },
    { key: 'growth', label: 'growth after the first million', unit: 'MiB' },
    { key: 'imported', label: 'after the import', unit: 'MiB' },
  ],
  contestants: [
    { name: 'Run.logMetric', program: 'log-memory.mjs', args: [10_000_000, '$dir'], isOurs: true },
  ],
  targets: [
    { metric: 'above', atMost: 20 },
    { metric: 'growth', atMost: 2 },
  ],
};
