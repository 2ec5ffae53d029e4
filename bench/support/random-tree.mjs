// Writes run directories with files of random bytes.

import { createCipheriv } from 'node:crypto';
import { closeSync, linkSync, mkdirSync, openSync, utimesSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const FILES_OF_DIRECTORY = 100;
const DIRECTORIES_OF_RUN = 10;
const CHUNK_BYTES = 4 * 1024 * 1024;

/** Writes different files of the same size: 100 per directory, ten directories per run. Their modification time is `ageSeconds` ago. */
export function writeSmallFiles(root, count, sizeBytes, { ageSeconds = 0 } = {}) {
  const next = createNoise();
  const writtenAt = Date.now() / 1000 - ageSeconds;
  for (let from = 0; from < count; from += FILES_OF_DIRECTORY) {
    const directory = from / FILES_OF_DIRECTORY;
    const run = Math.floor(directory / DIRECTORIES_OF_RUN);
    const path = join(root, 'runs', toUuid(run), 'outputs', `part-${directory}`);
    mkdirSync(path, { recursive: true });
    for (let i = from; i < Math.min(count, from + FILES_OF_DIRECTORY); i++) {
      const file = join(path, `file-${i}.bin`);
      writeFileSync(file, next(sizeBytes));
      if (ageSeconds > 0) utimesSync(file, writtenAt, writtenAt);
    }
  }
}

/** Writes one large file and hard links to it. They need the disk space of one file, but each has to be read. */
export function writeLargeFiles(root, count, sizeBytes) {
  const path = join(root, 'runs', toUuid(0), 'outputs');
  mkdirSync(path, { recursive: true });
  const first = join(path, 'large-0.bin');
  const next = createNoise();
  const file = openSync(first, 'w');
  for (let left = sizeBytes; left > 0; left -= CHUNK_BYTES)
    writeSync(file, next(Math.min(left, CHUNK_BYTES)));
  closeSync(file);
  for (let i = 1; i < count; i++) linkSync(first, join(path, `large-${i}.bin`));
}

function toUuid(run) {
  return run.toString(16).padStart(32, 'a');
}

/** Returns a function that creates bytes which never repeat: the key stream of a cipher. */
function createNoise() {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16));
  return (sizeBytes) => cipher.update(Buffer.alloc(sizeBytes));
}
