// Logs scalars over 1 to 100,000 names: the time of a scalar must not grow with their number.

const ours = (count, names, formats = 'tensorboard') => ({
  name: `${names.toLocaleString('en-US')} ${names === 1 ? 'name' : 'names'}${formats === 'tensorboard' ? '' : ", with Polyaxon's format"}`,
  program: 'log-names.mjs',
  args: [names, formats, count, '$dir'],
});
const contestants = [
  { ...ours(2_000_000, 1), isOurs: true },
  ours(2_000_000, 10),
  ours(2_000_000, 10_000),
  ours(2_000_000, 100_000),
  ours(1_000_000, 1, 'tensorboard,polyaxon'),
  ours(1_000_000, 5_000, 'tensorboard,polyaxon'),
];
const [, , tenThousand, hundredThousand, onePolyaxon, manyPolyaxon] = contestants.map(({ name }) => name);

export const suite = {
  title: 'Scalars of many names',
  rounds: 5,
  metrics: [
    { key: 'nanoseconds', label: 'time per scalar', unit: 'ns', rate: 'scalars/s' },
    { key: 'cpu', label: 'processor time per scalar', unit: 'ns' },
    { key: 'above', label: 'peak memory, in addition to that after the import', unit: 'MiB' },
  ],
  contestants,
  targets: [
    { metric: 'nanoseconds', of: tenThousand, against: contestants[0].name, atLeast: 1 / 1.5 },
    { metric: 'nanoseconds', of: hundredThousand, against: contestants[0].name, atLeast: 1 / 3 },
    { metric: 'above', of: hundredThousand, atMost: 200 },
    { metric: 'nanoseconds', of: manyPolyaxon, against: onePolyaxon, atLeast: 1 / 2.5 },
  ],
};
