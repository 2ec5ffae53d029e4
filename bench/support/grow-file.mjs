// Appends valid records or lines of text to a file, like a third-party writer. Writes do not end at record boundaries.
//
//   node grow-file.mjs <path> <bytes> <bytes per second, 0 for full speed> <events | lines>
//
// The file ends with a whole record, also when SIGTERM stops the program early.

import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createEventBlock, createLineBlock, FILE_VERSION } from './event-block.mjs';

const [path, bytesText, rateText, kind] = process.argv.slice(2);
const bytes = Number(bytesText);
const bytesPerMs = Number(rateText) / 1000;
/** Coprime to the block sizes, so that writes end at any offset within a record. */
const WRITE_BYTES =
  bytesPerMs === 0 ? 1_000_003 : Math.max(1009, Math.min(1_000_003, Math.round(bytesPerMs * 97)));

let isStopped = false;
process.once('SIGTERM', () => {
  isStopped = true;
});

mkdirSync(dirname(path), { recursive: true });
const file = openSync(path, 'a');
const nextBlock = kind === 'lines' ? createLineBlock() : createEventBlock();
const startMs = performance.now();
let written = 0;
let rest = kind === 'lines' ? Buffer.alloc(0) : FILE_VERSION;
while (written + rest.length < bytes && !isStopped) {
  rest = Buffer.concat([rest, nextBlock(bytes - written - rest.length)]);
  while (rest.length >= WRITE_BYTES && !isStopped) {
    write(rest.subarray(0, WRITE_BYTES));
    rest = rest.subarray(WRITE_BYTES);
    await untilDue();
  }
}
write(rest);
closeSync(file);

function write(piece) {
  for (let at = 0; at < piece.length; ) at += writeSync(file, piece, at);
  written += piece.length;
}

/** Waits as long as the rate requires. At full speed, it only yields, so that signals are handled. */
async function untilDue() {
  const dueMs = bytesPerMs === 0 ? 0 : written / bytesPerMs;
  const waitMs = Math.max(0, startMs + dueMs - performance.now());
  if (waitMs > 0 || bytesPerMs === 0) await sleep(waitMs);
}
