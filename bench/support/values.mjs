// The values that benchmarks log: the same for every contestant in JavaScript, and similar to those in programs/*.py.

import { readFileSync } from 'node:fs';

/** Tags like those of a training program. */
export const TAGS = Array.from({ length: 20 }, (_, i) => `train/metric_${i}`);

/** Returns doubles like those of metrics: float32 cannot represent most of them. */
export function createValues(count = 1024) {
  const values = new Float64Array(count);
  let state = 12345;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    values[i] = state / 2 ** 32;
  }
  return values;
}

/** Reads images of H×W×3 bytes that are stored one after the other. */
export function readImages(path, height, width) {
  const bytes = readFileSync(path);
  const size = height * width * 3;
  return Array.from({ length: bytes.length / size }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

/** Starts a measurement. The returned function ends it, and returns elapsed and processor time in nanoseconds, each divided by `count`. */
export function startMeasuring(count) {
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  return () => {
    const total = Number(process.hrtime.bigint() - start);
    const { user, system } = process.cpuUsage(cpu);
    return { nanoseconds: total / count, cpu: ((user + system) * 1000) / count, total };
  };
}

/** Prints the figures of a program. */
export function report(figures) {
  console.log(JSON.stringify(figures));
}
