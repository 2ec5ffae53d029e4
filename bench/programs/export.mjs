// Converts an event file of scalars to Polyaxon event files: node export.mjs <columns|events> <file> <directory>

import { closeSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EventFileReader } from '../../dist/src/format/index.js';
import { Exporter } from '../../dist/src/polyaxon/export/exporter.js';
import { report, startMeasuring } from '../support/values.mjs';

const [how, path, directory] = process.argv.slice(2);
const TAKE_BYTES = 4 * 1024 * 1024;
const end = startMeasuring(1);
const exporter = new Exporter();
const reader = new EventFileReader(path);
let sinceTake = 0;
const push = {
  async columns() {
    for await (const batch of reader.readBatches()) {
      if (batch.kind === 'event') exporter.push(batch.event);
      else exporter.pushScalars(batch.scalars);
      note(batch.sizeBytes);
    }
  },
  async events() {
    for await (const { event, sizeBytes } of reader.read()) {
      exporter.push(event);
      note(sizeBytes);
    }
  },
};
await push[how]();
write();
const artifacts = exporter.artifacts();
const { total, cpu } = end();
await reader.close();
const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const count = exporter.counts.rows.metric;
if (artifacts.length !== 20) throw new Error(`the export has ${artifacts.length} artifacts, expected 20`);
report({
  nanoseconds: total / count,
  cpu: cpu / count,
  total,
  rss: process.memoryUsage.rss() / 2 ** 20,
  version,
});

function note(sizeBytes) {
  sinceTake += sizeBytes;
  if (sinceTake < TAKE_BYTES) return;
  sinceTake = 0;
  write();
}

function write() {
  for (const { path: file, offset, bytes } of exporter.take().appends) {
    const target = join(directory, file);
    if (offset === 0) mkdirSync(dirname(target), { recursive: true });
    const fd = openSync(target, 'a');
    writeSync(fd, bytes);
    closeSync(fd);
  }
}
