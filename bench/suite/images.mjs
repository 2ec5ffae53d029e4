// Logs images of 256×256×3, like photographs, from pixels to PNG.

import { join } from 'node:path';
import { writePhotos } from '../support/photos.mjs';

const python = (name, writer, peer, count) => ({
  name,
  program: 'log_with_python.py',
  args: [writer, 'images', count, '$dir', '$shared/photos'],
  peer,
  rounds: 3,
});
const ours = (name, how, isOurs) => ({
  name,
  program: 'log-large.mjs',
  args: [how, 300, '$dir', '$shared/photos'],
  isOurs,
});

export const suite = {
  title: 'Images of 256×256×3',
  note: 'All contestants log the same pixels, with the statistics of photographs. The event loop also counts as busy while the main thread waits for a processor, because both processors compress images.',
  rounds: 5,
  metrics: [
    { key: 'nanoseconds', label: 'time per image', unit: 'ns', rate: 'images/s' },
    { key: 'cpu', label: 'processor time per image', unit: 'ns' },
    { key: 'blocked', label: 'share of the time in which the event loop is busy', unit: '%' },
    { key: 'ran', label: 'share of the time in which the main thread uses a processor', unit: '%' },
  ],
  async prepare(shared) {
    writePhotos(join(shared, 'photos'), 16, 256, 256);
  },
  contestants: [
    ours('Run.logImage', 'images', true),
    ours('floor: zlib on all its threads', 'png-floor', false),
    python('tensorboardX', 'tensorboardx', 'bench/tensorboardx', 150),
    python('PyTorch SummaryWriter', 'pytorch', 'bench/pytorch', 60),
    python('TensorFlow tf.summary', 'tensorflow', 'bench/tensorflow', 100),
  ],
  targets: [
    { metric: 'nanoseconds', against: 'tensorboardX', atLeast: 3 },
    { metric: 'nanoseconds', against: 'PyTorch SummaryWriter', atLeast: 7 },
    { metric: 'blocked', atMost: 10 },
  ],
};
