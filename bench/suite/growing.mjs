// A file that grows to 1 GiB, with a pass every 2 s.

const SIZE_BYTES = 2 ** 30;
const RATE = 2 ** 24;
const contestant = (name, how, intervalSeconds, isOurs = false) => ({
  name,
  program: 'grow.mjs',
  args: [how, SIZE_BYTES, RATE, intervalSeconds, '$dir'],
  isOurs,
});

export const suite = {
  title: 'An event file that grows to 1 GiB at 16 MiB a second, with a pass every 2 s',
  note: 'Counted on the wire; bodies from 8 MiB on, because a smaller file is sent whole. polytrack commits a large file less often than it looks. The whole-file uploads are of an eighth of each size.',
  rounds: 1,
  needs: ['s3'],
  metrics: [
    { key: 'ratio', label: 'bytes of bodies sent for each new byte', unit: '' },
    { key: 'wire', label: 'bytes on the wire for each new byte', unit: '' },
    { key: 'commits', label: 'commits', unit: '' },
    { key: 'cpu', label: 'processor time', unit: 'ns' },
    { key: 'peak', label: 'peak resident memory', unit: 'MiB' },
  ],
  contestants: [
    contestant('polytrack watch', 'watch', 2, true),
    contestant('whole file every 2 s, official SDK', 'whole', 2),
    contestant('whole file every 8 s, official SDK', 'whole', 8),
  ],
  targets: [{ metric: 'ratio', atMost: 1.05 }],
};
