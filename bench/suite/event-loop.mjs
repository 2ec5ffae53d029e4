// Measures the event loop delay while 200 images of 1 MB are logged.

import { join } from 'node:path';
import { writePhotos } from '../support/photos.mjs';

const [HEIGHT, WIDTH] = [512, 683];

const contestant = (name, how, periodMs, isOurs = false) => ({
  name,
  program: 'loop-delay.mjs',
  args: [how, 200, periodMs, HEIGHT, WIDTH, '$dir', '$shared/photos'],
  isOurs,
});

export const suite = {
  title: 'Event loop delay while 200 images of 1 MB are logged',
  note: "Images of 512×683×3 with the statistics of photographs. Zlib's threads keep up with one image every 50 ms. One image every 2 ms is faster than they are: once 64 MiB are queued, the calls encode images synchronously.",
  rounds: 3,
  metrics: [
    { key: 'p99', label: 'delay, 99th percentile', unit: 'ns' },
    { key: 'p50', label: 'delay, median', unit: 'ns' },
    { key: 'worst', label: 'delay, worst', unit: 'ns' },
  ],
  async prepare(shared) {
    writePhotos(join(shared, 'photos'), 4, HEIGHT, WIDTH);
  },
  contestants: [
    contestant('Run.logImage every 50 ms', 'log', 50, true),
    contestant('Run.logImage every 2 ms', 'log', 2),
    contestant('floor: no image', 'idle', 2),
  ],
  targets: [
    { metric: 'p99', atMost: 20e6 },
    { metric: 'p99', of: 'Run.logImage every 2 ms', atMost: 20e6 },
  ],
};
