// A reader that looks at objects all the while, as a dashboard would, and holds each against its file: what is visible must be
// a state that the file had, never a mixture, and never less than before.
//
// Small objects are read as a whole; of large ones the beginning, the end and some places between, all of one version.

import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { isLeftOut, listObjects } from './hashes.mjs';

const WHOLE_BYTES = 2 * 1024 * 1024;
const WINDOW_BYTES = 128 * 1024;
const WINDOWS_BETWEEN = 3;
/** The server replaces an object in two steps of its file system: for a moment a key may be gone. */
const ABSENCES_FORGIVEN = 5;
const HEADER_BYTES = 12;
const FOOTER_BYTES = 4;

export class ObjectReader {
  /** How many versions of objects were looked at. */
  checked = 0;
  failures = new Set();
  #server;
  #prefix;
  #toTruth;
  #seen = new Map();
  #records = new Map();
  #isStopped = false;
  #running;

  /**
   * `toTruth(path)` says what the object of a file may be: `{ kind: 'prefix', path }`, `{ kind: 'records', path }` for event files,
   * `{ kind: 'whole', path, sizeBytes }`, or `{ kind: 'states', hashes }` with the SHA-256 of every state the file ever had.
   */
  constructor(server, prefix, toTruth) {
    this.#server = server;
    this.#prefix = prefix;
    this.#toTruth = toTruth;
  }

  start() {
    this.#running = this.#loop();
  }

  async stop() {
    this.#isStopped = true;
    await this.#running;
  }

  async #loop() {
    while (!this.#isStopped) {
      try {
        await this.#round();
      } catch (error) {
        this.failures.add(`the reader: ${error.stack}`);
        return;
      }
      await sleep(20);
    }
  }

  async #round() {
    const present = new Set();
    for await (const { Key, Size, ETag } of listObjects(this.#server, this.#prefix)) {
      if (this.#isStopped) return;
      const path = Key.slice(this.#prefix.length);
      if (isLeftOut(path)) continue;
      present.add(path);
      const seen = this.#seen.get(path);
      if (seen?.etag === ETag) seen.absences = 0;
      else await this.#check(path, Key, ETag, Size);
    }
    for (const [path, seen] of this.#seen) {
      if (present.has(path) || ++seen.absences < ABSENCES_FORGIVEN) continue;
      this.failures.add(`${path}: was in the store and is gone`);
    }
  }

  async #check(path, Key, ETag, listedBytes) {
    const truth = this.#toTruth(path);
    if (truth === undefined) {
      this.failures.add(`${path}: is in the store, and never was a file`);
      return;
    }
    const read = await this.#read(Key, ETag, listedBytes);
    if (read === null) return; // replaced meanwhile: the next round looks again
    const problem = this.#compare(path, truth, read);
    if (problem !== null) this.failures.add(`${path}: ${problem}`);
    this.checked += 1;
    this.#seen.set(path, { etag: ETag, sizeBytes: read.sizeBytes, absences: 0 });
  }

  /** Pieces of one version of an object, and how large that version is; null when it is no longer there. */
  async #read(Key, ETag, listedBytes) {
    const ranges = listedBytes <= WHOLE_BYTES ? [null] : toWindows(listedBytes);
    const pieces = [];
    let sizeBytes = listedBytes;
    for (const range of ranges) {
      const Range = range === null ? undefined : `bytes=${range.start}-${range.end - 1}`;
      try {
        const input = { Bucket: this.#server.bucket, Key, IfMatch: ETag, Range };
        const answer = await this.#server.client.send(new GetObjectCommand(input));
        const bytes = Buffer.from(await answer.Body.transformToByteArray());
        pieces.push({ start: range?.start ?? 0, bytes });
        sizeBytes = range === null ? bytes.length : Number(answer.ContentRange.split('/')[1]);
      } catch (error) {
        const status = error.$metadata?.httpStatusCode;
        if (status === 404 || status === 412 || status === 416) return null;
        if (status === undefined || status >= 500) return null; // the server is stopped, or on its way
        throw error;
      }
    }
    return { pieces, sizeBytes };
  }

  #compare(path, truth, { pieces, sizeBytes }) {
    if (truth.kind === 'states') {
      const hash = createHash('sha256').update(pieces[0].bytes).digest('hex');
      return truth.hashes.has(hash) ? null : `${sizeBytes} bytes that the file never was`;
    }
    const { sizeBytes: before = 0 } = this.#seen.get(path) ?? {};
    if (sizeBytes < before) return `has fallen from ${before} to ${sizeBytes} bytes`;
    if (truth.kind === 'whole' && sizeBytes !== truth.sizeBytes)
      return `${sizeBytes} of ${truth.sizeBytes} bytes are visible`;
    for (const { start, bytes } of pieces)
      if (!readFile(truth.path, start, bytes.length).equals(bytes))
        return `differs from its file between ${start} and ${start + bytes.length}, of ${sizeBytes} bytes`;
    if (truth.kind === 'records' && !this.#isRecordEnd(truth.path, sizeBytes))
      return `${sizeBytes} bytes do not end with a record`;
    return null;
  }

  /** Walks over the records of a file, from where the last walk ended. */
  #isRecordEnd(path, sizeBytes) {
    let end = this.#records.get(path) ?? 0;
    const file = openSync(path, 'r');
    const header = Buffer.alloc(HEADER_BYTES);
    while (end < sizeBytes && readSync(file, header, 0, HEADER_BYTES, end) === HEADER_BYTES)
      end += HEADER_BYTES + Number(header.readBigUInt64LE(0)) + FOOTER_BYTES;
    closeSync(file);
    this.#records.set(path, end);
    return end === sizeBytes;
  }
}

function toWindows(sizeBytes) {
  const last = sizeBytes - WINDOW_BYTES;
  const between = Array.from({ length: WINDOWS_BETWEEN }, () => Math.floor(Math.random() * last));
  return [0, ...between, last].map((start) => ({ start, end: start + WINDOW_BYTES }));
}

function readFile(path, start, length) {
  if (!existsSync(path)) return Buffer.alloc(0);
  const bytes = Buffer.alloc(length);
  const file = openSync(path, 'r');
  const read = readSync(file, bytes, 0, length, start);
  closeSync(file);
  return bytes.subarray(0, read);
}
