// Writes files of all kinds and sizes, as runs have them: some appear complete, some grow, one is replaced.

import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createEventBlock, FILE_VERSION } from './event-block.mjs';

const CHUNK_BYTES = 1024 * 1024;
const RUNS = ['a1', 'b2'].map((digits) => digits.repeat(16));
const EVENTS = 'outputs/tensorboard/events.out.tfevents';

/**
 * Plans a tree of about `sizeBytes`: files that appear complete (`still`), files that grow (`growing`), and a file that is replaced (`replaced`).
 * Each has its `path` below `runs/` and its `kind` for the object reader.
 */
export function planMixedTree(sizeBytes, smallFiles) {
  const [first, second] = RUNS;
  const part = (fraction) => Math.round(sizeBytes / fraction);
  const many = (count, toFile) => Array.from({ length: count }, (_, index) => toFile(index));
  return {
    still: [
      ...many(2, (index) => whole(`${first}/outputs/models/large-${index}.bin`, part(8) + index)),
      ...many(4, (index) => whole(`${first}/outputs/models/checkpoint-${index}.bin`, part(32) + index)),
      ...many(32, (index) => whole(`${second}/outputs/images/batch ${index}.npy`, part(512) + index)),
      ...many(smallFiles, (index) => whole(`${second}/assets/${index % 10}/small-${index}.json`, index * 97)),
      ...many(2, (index) => ({
        kind: 'records',
        path: `${second}/${EVENTS}.160000000${index}.whole`,
        sizeBytes: part(16),
      })),
    ],
    growing: [
      ...many(2, (index) => ({
        kind: 'records',
        path: `${RUNS[index]}/${EVENTS}.1700000000.grows`,
        sizeBytes: part(8),
      })),
      ...many(2, (index) => ({ kind: 'prefix', path: `${RUNS[index]}/logs/main.log`, sizeBytes: part(16) })),
    ],
    replaced: { kind: 'states', path: `${first}/outputs/state.json`, hashes: new Set() },
  };
}

function whole(path, sizeBytes) {
  return { kind: 'whole', path, sizeBytes };
}

/** Creates a complete file: writes it under an excluded name and renames it. */
export function writeStill(directory, { kind, path, sizeBytes }) {
  const target = join(directory, path);
  mkdirSync(dirname(target), { recursive: true });
  const partial = `${target}.partial`;
  const file = openSync(partial, 'w');
  for (const piece of kind === 'records' ? toRecords(sizeBytes) : toNoise(sizeBytes)) writeSync(file, piece);
  closeSync(file);
  renameSync(partial, target);
}

/** Replaces the file by its next state. Adds the hash of the state before any reader can see it. */
export function replaceState(directory, { path, hashes }) {
  const target = join(directory, path);
  const text = JSON.stringify({ state: hashes.size, filler: randomBytes(500 + hashes.size).toString('hex') });
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(`${target}.partial`, text);
  hashes.add(createHash('sha256').update(text).digest('hex'));
  renameSync(`${target}.partial`, target);
}

function* toNoise(sizeBytes) {
  const cipher = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16));
  const zeros = Buffer.alloc(CHUNK_BYTES);
  for (let left = sizeBytes; left > 0; left -= CHUNK_BYTES)
    yield cipher.update(zeros.subarray(0, Math.min(left, CHUNK_BYTES)));
}

function* toRecords(sizeBytes) {
  yield FILE_VERSION;
  const next = createEventBlock();
  for (let left = sizeBytes; left > 0; ) {
    const block = next(left);
    left -= block.length;
    yield block;
  }
}
