// Logs scalars with 20 tags: node log-scalars.mjs <how> <count> <directory>

import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { Run } from '../../dist/src/index.js';
import { loadMessageType } from '../support/proto.mjs';
import { lastRecords, RecordPipe } from '../support/records.mjs';
import { createValues, report, startMeasuring, TAGS } from '../support/values.mjs';

const [how, countText, directory] = process.argv.slice(2);
const count = Number(countText);
const values = createValues();

const LOGGERS = {
  async metric() {
    const run = startRun();
    const end = startMeasuring(count);
    for (let i = 0; i < count; i++) {
      run.logMetric(TAGS[i % 20], values[i & 1023], { step: (i / 20) | 0 });
    }
    await run.flush();
    return finish(end, run);
  },
  async metrics() {
    const run = startRun();
    const end = startMeasuring(count);
    const metrics = Object.fromEntries(TAGS.map((tag) => [tag, 0]));
    for (let step = 0; step < count / 20; step++) {
      for (let tag = 0; tag < 20; tag++) metrics[TAGS[tag]] = values[(step * 20 + tag) & 1023];
      run.logMetrics(metrics, { step });
    }
    await run.flush();
    return finish(end, run);
  },
  async series() {
    const run = startRun();
    const length = 10_000;
    const steps = new Float64Array(length);
    const column = Float64Array.from({ length }, (_, i) => values[i & 1023]);
    const end = startMeasuring(count);
    for (let done = 0; done < count; done += length) {
      const first = Math.floor(done / length / 20) * length;
      for (let i = 0; i < length; i++) steps[i] = first + i;
      run.logMetricSeries(TAGS[(done / length) % 20], steps, column);
    }
    await run.flush();
    return finish(end, run);
  },
  /** Writes records of `logMetric` that are already in memory. */
  async floor() {
    const records = await readyRecords();
    const fd = openSync(join(directory, 'floor'), 'w');
    const pipe = new RecordPipe((bytes) => writeSync(fd, bytes));
    const end = startMeasuring(count);
    for (let i = 0; i < count; i++) pipe.add(records[i & 1023]);
    pipe.flush();
    closeSync(fd);
    return end();
  },
  /** Encodes the same events with protobufjs, into the same pipe. */
  async protobufjs() {
    const EventType = loadMessageType('event', 'tensorboard.Event');
    const messages = (await readyRecords()).map((data) => EventType.decode(data));
    const fd = openSync(join(directory, 'protobufjs'), 'w');
    const pipe = new RecordPipe((bytes) => writeSync(fd, bytes));
    const end = startMeasuring(count);
    for (let i = 0; i < count; i++) {
      const message = messages[i & 1023];
      message.wallTime = Date.now() / 1000;
      pipe.add(EventType.encode(message).finish());
    }
    pipe.flush();
    closeSync(fd);
    return { ...end(), version: readVersion('protobufjs') };
  },
};

report(await LOGGERS[how]());

function startRun() {
  return new Run({ root: directory, trackLogs: false });
}

async function finish(end, run) {
  const measured = end();
  await run.end();
  return { ...measured, version: readVersion() };
}

async function readyRecords() {
  const run = startRun();
  for (let i = 0; i < 2048; i++) {
    run.logMetric(TAGS[i % 20], values[i & 1023], { step: 100_000 + ((i / 20) | 0) });
  }
  await run.end();
  const logs = run.getTensorboardPath();
  return lastRecords(
    readFileSync(
      join(
        logs,
        readdirSync(logs).find((name) => name.includes('tfevents')),
      ),
    ),
    1024,
  );
}

function readVersion(name) {
  const path = name === undefined ? '../../package.json' : `../../node_modules/${name}/package.json`;
  return JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')).version;
}
