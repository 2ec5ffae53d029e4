/**
 * Fuzzes a target: changes inputs at random, keeps those that reach new code, and reports each input that makes it fail.
 *
 *     npm run fuzz -- --target reader --time 600 --seed 1
 *
 * A failure is an error without a stable code, a second of processor time for one input, or memory that grows. The input is minimised, and added to
 * `fixtures/fuzz/` with `--save`, together with the inputs that reach most code; `npm test` repeats all of them. The work is done in a thread, so that an endless loop is noticed.
 */

import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { addToCorpus, readCorpus } from './corpus.js';
import { Coverage } from './coverage.js';
import { mutate, Random } from './mutate.js';
import { requireCode, TARGETS } from './targets.js';

interface Job {
  readonly target: string;
  readonly seconds: number;
  readonly seed: number;
  readonly saves: boolean;
  /** The size of the current input, then its bytes; the count of inputs is before them. */
  readonly current: SharedArrayBuffer;
}

const BATCH = 100;
const MAX_INPUT_BYTES = 1024 * 1024;
const PREFIX_BYTES = 8;
const SLOW_MS = 1_000;
const HANG_MS = 30_000;
const MAX_GROWTH_BYTES = 48 * 1024 * 1024;
const HEAP_MIB = 512;
const MAX_KEPT = 1_500;
const SAVED_INPUTS = 40;
const SAVED_BYTES = 3 * 1024;

/** Returns why the target fails on this input; null if it does not. */
async function findFailure(target: string, input: Buffer): Promise<string | null> {
  const { user, system } = process.cpuUsage();
  const startMs = performance.now();
  try {
    await TARGETS[target]!.run(input);
  } catch (error) {
    try {
      requireCode(error);
    } catch {
      const { name, message, stack = '' } = error as Error;
      const place = stack.split('\n').find((line) => /\/(src|uploader)\//.test(line)) ?? '';
      return `${name}: ${message.slice(0, 200)}${place}`;
    }
  }
  // The time on the clock is longer while other programs keep the processors busy, the processor time while the garbage is collected.
  const used = process.cpuUsage({ user, system });
  const ms = Math.min(performance.now() - startMs, (used.user + used.system) / 1000);
  return ms > SLOW_MS ? `takes ${Math.round(ms)} ms` : null;
}

/** Removes parts while the input fails in the same way. */
async function minimise(target: string, input: Buffer, failure: string): Promise<Buffer> {
  const kind = (text: string | null): string | undefined => text?.replace(/\d+/g, '');
  let smallest = input;
  for (let size = smallest.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < smallest.length; ) {
      const shorter = Buffer.concat([smallest.subarray(0, at), smallest.subarray(at + size)]);
      if (kind(await findFailure(target, shorter)) === kind(failure)) smallest = shorter;
      else at += size;
    }
  }
  return smallest;
}

async function work({ target, seconds, seed, saves, current }: Job): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  /** What is closed late, such as a decoder of zlib, is closed before. */
  const measureHeap = async (): Promise<number> => {
    await setTimeout(100);
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const { shape, seeds } = TARGETS[target]!;
  const random = new Random(seed);
  const coverage = new Coverage();
  await coverage.start();
  const [counters, bytes] = [new Int32Array(current, 0, 2), new Uint8Array(current, PREFIX_BYTES)];
  const failures = new Map<string, Buffer>();
  const endMs = performance.now() + seconds * 1000;
  let kept = [...seeds().map((input) => Buffer.from(input as Uint8Array)), ...readCorpus(target)];
  /** The blocks that only this input has reached. */
  const gains = new Map<Buffer, number>();
  let heapBytes = 0;
  let runs = 0;

  const run = async (input: Buffer): Promise<void> => {
    bytes.set(input);
    counters[0] = input.length;
    Atomics.add(counters, 1, 1);
    runs += 1;
    const failure = await findFailure(target, input);
    const kind = failure?.replace(/\d+/g, '');
    if (failure === null || kind === undefined || failures.has(kind)) return;
    failures.set(kind, input);
    const smallest = await minimise(target, input, failure);
    failures.set(kind, smallest);
    console.log(
      `${target}: ${failure}\n    ${smallest.length} bytes, in base64: ${smallest.toString('base64').slice(0, 400)}`,
    );
  };

  for (const input of kept) await run(input);
  await coverage.take();
  const atStart = coverage.blocks;
  while (performance.now() < endMs) {
    const batch = Array.from({ length: BATCH }, () =>
      mutate(random.of(kept), random.of(kept), shape, random),
    );
    for (const input of batch) await run(input);
    if ((await coverage.take()) > 0)
      for (const input of batch) {
        await run(input);
        const gain = await coverage.take();
        if (gain > 0 || random.below(BATCH) === 0) {
          kept.push(input);
          gains.set(input, gain);
        }
      }
    if (kept.length > MAX_KEPT) kept = kept.slice(-MAX_KEPT);
    if (heapBytes === 0 && performance.now() > endMs - seconds * 700) heapBytes = await measureHeap();
  }
  const grownBytes = (await measureHeap()) - heapBytes;
  if (heapBytes > 0 && grownBytes > MAX_GROWTH_BYTES) failures.set('memory grows', Buffer.alloc(0));
  if (saves) {
    const best = [...gains].filter(([input]) => input.length <= SAVED_BYTES).sort((a, b) => b[1] - a[1]);
    addToCorpus(target, [...failures.values(), ...best.slice(0, SAVED_INPUTS).map(([input]) => input)]);
  }
  console.log(
    `${target}: ${runs} inputs in ${seconds} s, ${atStart} → ${coverage.blocks} blocks, heap ${toMib(heapBytes)} → ${toMib(heapBytes + grownBytes)} MiB, ${failures.size} failures`,
  );
  parentPort?.postMessage(failures.size);
}

function toMib(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}

/** Fuzzes one target in a thread. Resolves to the number of failures. */
async function fuzz(job: Omit<Job, 'current'>): Promise<number> {
  const current = new SharedArrayBuffer(PREFIX_BYTES + MAX_INPUT_BYTES);
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { ...job, current },
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
  });
  const showInput = (): string =>
    Buffer.from(current, PREFIX_BYTES, new Int32Array(current, 0, 1)[0]).toString('base64');
  return new Promise((resolve) => {
    let count = -1;
    const timer = setInterval(() => {
      const now = Atomics.load(new Int32Array(current, 0, 2), 1);
      if (now !== count) {
        count = now;
        return;
      }
      console.log(`${job.target}: hangs; in base64: ${showInput()}`);
      void worker.terminate().then(() => resolve(1));
    }, HANG_MS);
    worker.on('message', (failures: number) => resolve(failures));
    worker.on('error', (error) => {
      console.log(`${job.target}: ${String(error)}; in base64: ${showInput()}`);
      resolve(1);
    });
    worker.on('exit', () => clearInterval(timer));
  });
}

if (isMainThread) {
  const { values } = parseArgs({
    options: {
      target: { type: 'string' },
      time: { type: 'string', default: '60' },
      seed: { type: 'string', default: '1' },
      save: { type: 'boolean', default: false },
    },
  });
  const targets = values.target?.split(',') ?? Object.keys(TARGETS);
  const unknown = targets.find((target) => TARGETS[target] === undefined);
  if (unknown !== undefined)
    throw new Error(`no target ${unknown}; use one of: ${Object.keys(TARGETS).join(', ')}`);
  let failures = 0;
  for (const target of targets)
    failures += await fuzz({
      target,
      seconds: Number(values.time),
      seed: Number(values.seed),
      saves: values.save,
    });
  process.exitCode = failures > 0 ? 1 : 0;
} else await work(workerData as Job);
