// Uploads a file that grows to 1 GiB, with a sync every 2 s.

const SIZE_BYTES = 2 ** 30;
const RATE = 2 ** 24;
const contestant = (name, how, intervalSeconds, isOurs = false) => ({
  name,
  program: 'grow.mjs',
  args: [how, SIZE_BYTES, RATE, intervalSeconds, '$dir'],
  isOurs,
});

export const suite = {
  title: 'An event file that grows to 1 GiB at 16 MiB per second, with a sync every 2 s',
  note: 'Counted on the wire. The ratio counts bodies once the file is above 8 MiB, because smaller files are sent whole. polytrack does not commit a large file at every sync. The whole-file uploads use an eighth of each size.',
  rounds: 1,
  needs: ['s3'],
  metrics: [
    { key: 'ratio', label: 'bytes of bodies sent per new byte', unit: '' },
    { key: 'wire', label: 'bytes on the wire per new byte', unit: '' },
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
