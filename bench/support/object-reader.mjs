// Continuously reads objects, like a dashboard, and compares each with its file. A visible object must be a state that the file had, never a
// mixture of states, and must never become shorter. Small objects are read completely, large ones in several ranges of one version.

import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { isLeftOut, listObjects } from './hashes.mjs';

const WHOLE_BYTES = 2 * 1024 * 1024;
const WINDOW_BYTES = 128 * 1024;
const WINDOWS_BETWEEN = 3;
/** The server replaces an object in two steps, so a key may be missing for a short time. */
const ABSENCES_FORGIVEN = 5;
const HEADER_BYTES = 12;
const FOOTER_BYTES = 4;

export class ObjectReader {
  /** Number of checked versions of objects. */
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
   * `toTruth(path)` returns the allowed content of an object: `{ kind: 'prefix', path }`, `{ kind: 'records', path }` for event files,
   * `{ kind: 'whole', path, sizeBytes }`, or `{ kind: 'states', hashes }` with the SHA-256 of every state that the file had.
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
      this.failures.add(`${path}: the object has disappeared from the store`);
    }
  }

  async #check(path, Key, ETag, listedBytes) {
    const truth = this.#toTruth(path);
    if (truth === undefined) {
      this.failures.add(`${path}: an object exists, but no such file ever existed`);
      return;
    }
    const read = await this.#read(Key, ETag, listedBytes);
    if (read === null) return; // replaced in the meantime; checked in the next round
    const problem = this.#compare(path, truth, read);
    if (problem !== null) this.failures.add(`${path}: ${problem}`);
    this.checked += 1;
    this.#seen.set(path, { etag: ETag, sizeBytes: read.sizeBytes, absences: 0 });
  }

  /** Reads pieces of one version of an object, and its size. Returns null if the version no longer exists. */
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
        if (status === undefined || status >= 500) return null; // the server is stopped or starting
        throw error;
      }
    }
    return { pieces, sizeBytes };
  }

  #compare(path, truth, { pieces, sizeBytes }) {
    if (truth.kind === 'states') {
      const hash = createHash('sha256').update(pieces[0].bytes).digest('hex');
      return truth.hashes.has(hash) ? null : `the file never had this content of ${sizeBytes} bytes`;
    }
    const { sizeBytes: before = 0 } = this.#seen.get(path) ?? {};
    if (sizeBytes < before) return `the object shrank from ${before} to ${sizeBytes} bytes`;
    if (truth.kind === 'whole' && sizeBytes !== truth.sizeBytes)
      return `the object has ${sizeBytes} bytes, expected ${truth.sizeBytes}`;
    for (const { start, bytes } of pieces)
      if (!readFile(truth.path, start, bytes.length).equals(bytes))
        return `the object differs from its file between bytes ${start} and ${start + bytes.length} of ${sizeBytes}`;
    if (truth.kind === 'records' && !this.#isRecordEnd(truth.path, sizeBytes))
      return `the object of ${sizeBytes} bytes does not end with a whole record`;
    return null;
  }

  /** Whether a record of the file ends at `sizeBytes`. Continues where the last call stopped. */
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
