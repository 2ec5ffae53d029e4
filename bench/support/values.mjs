// What is logged in benchmarks: the same for every contestant that is written in JavaScript, and of the same kind as in programs/*.py.

import { readFileSync } from 'node:fs';

/** Tags of a training program. */
export const TAGS = Array.from({ length: 20 }, (_, i) => `train/metric_${i}`);

/** Doubles as metrics are: most of them are not numbers of float32. */
export function createValues(count = 1024) {
  const values = new Float64Array(count);
  let state = 12345;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    values[i] = state / 2 ** 32;
  }
  return values;
}

/** Images of H×W×3 that lie one behind the other in a file. */
export function readImages(path, height, width) {
  const bytes = readFileSync(path);
  const size = height * width * 3;
  return Array.from({ length: bytes.length / size }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

/** Starts a measurement; the function that it gives ends it: nanoseconds of a clock, and of processors, for each of `count`. */
export function startMeasuring(count) {
  const cpu = process.cpuUsage();
  const start = process.hrtime.bigint();
  return () => {
    const total = Number(process.hrtime.bigint() - start);
    const { user, system } = process.cpuUsage(cpu);
    return { nanoseconds: total / count, cpu: ((user + system) * 1000) / count, total };
  };
}

/** Prints what a program has measured. */
export function report(figures) {
  console.log(JSON.stringify(figures));
}
