// Reads an event file of scalars: node read.mjs <columns|events|protobufjs|frames> <file>

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const started = process.hrtime.bigint();
const { EventFileReader } = await import('../../dist/src/format/index.js');
const { report } = await import('../support/values.mjs');
const [how, path] = process.argv.slice(2);

let count = 0;
let last = 0;
let version;
const READERS = {
  async columns() {
    const reader = new EventFileReader(path);
    for await (const batch of reader.readBatches()) {
      if (batch.kind !== 'scalars') continue;
      count += batch.scalars.count;
      last = batch.scalars.values[batch.scalars.count - 1];
    }
  },
  async events() {
    const reader = new EventFileReader(path);
    for await (const { event } of reader.read()) {
      if (event.what.kind !== 'summary') continue;
      count++;
      last = event.what.values[0].value.tensor.floatVal[0];
    }
  },
  async protobufjs() {
    const { tensorboard } = await import('../../dist/src/format/wire/generated/event.js');
    version = readVersion('protobufjs');
    await walk((data) => {
      const event = tensorboard.Event.decode(data);
      if (event.summary == null) return;
      count++;
      last = event.summary.value[0].tensor.floatVal[0];
    });
  },
  /** The floor: reads lengths, and computes the CRC of every byte. */
  async frames() {
    await walk(() => {
      count++;
    });
  },
};

const begun = process.hrtime.bigint();
const cpu = process.cpuUsage();
await READERS[how]();
const end = process.hrtime.bigint();
const { user, system } = process.cpuUsage(cpu);
if (!(count > 1) || Number.isNaN(last)) throw new Error(`read ${count} scalars, the last one is ${last}`);
const startMs = Number(begun - started) / 1e6;
report({
  nanoseconds: Number(end - begun) / count,
  cpu: ((user + system) * 1000) / count,
  total: Number(end - begun),
  start: startMs * 1e6 + started_(),
  count,
  rss: process.memoryUsage.rss() / 2 ** 20,
  version: version ?? readVersion(),
});

/** Nanoseconds from the start of the process to the first line of this file. */
function started_() {
  return (performance.now() - Number(end - started) / 1e6) * 1e6;
}

async function walk(onRecord) {
  const { decodeRecord } = await import('../../dist/src/format/record/record-codec.js');
  const fd = openSync(path, 'r');
  let window = new Uint8Array();
  for (;;) {
    const next = new Uint8Array(window.length + 1024 * 1024);
    next.set(window);
    const read = readSync(fd, next, window.length, 1024 * 1024, null);
    if (read === 0) break;
    const bytes = next.subarray(0, window.length + read);
    let at = 0;
    for (;;) {
      const decoded = decodeRecord(bytes, at);
      if (decoded.kind === 'incomplete') break;
      onRecord(decoded.data);
      at = decoded.end;
    }
    window = bytes.subarray(at);
  }
  closeSync(fd);
}

function readVersion(name) {
  const file = name === undefined ? '../../package.json' : `../../node_modules/${name}/package.json`;
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8')).version;
}
