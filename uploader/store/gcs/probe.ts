/**
 * Finds out what a Google Cloud Storage bucket supports, with test objects of a few bytes below `.plx/probe/` that it removes.
 *
 * A rejected request is a result. A temporary failure, or a missing permission to write, ends the probe without a result.
 */

import { randomBytes } from 'node:crypto';
import { crc32c } from '../../../src/format/record/crc32c.js';
import { OutcomeError } from '../../base/retry.js';
import type { StoreCapabilities } from '../base/capabilities.js';
import { isPassing } from '../base/probe-answer.js';
import type { ProbeOutcome } from '../base/store.js';
import { GcsError, gcsOutcomeFrom } from './answer.js';
import { type GcsConnection, type GcsObject, OBJECT_FIELDS } from './connection.js';
import { toBase64Crc } from './metadata.js';
import { UNPROBED_GCS } from './store-limits.js';
import { removeTail } from './tail.js';
import { CONTENT_TYPE } from './upload.js';

/** A generation that no object has, because it is too old. */
const OTHER = '1000000000000';
const METADATA = { 'plx-commit': 'probe' };

/** Runs all tests. A failure is an outcome; rejects only when the signal is aborted. */
export async function probeGcsBucket(
  connection: GcsConnection,
  keyPrefix: string,
  signal?: AbortSignal,
): Promise<ProbeOutcome> {
  const objects = new ProbeObjects(connection, keyPrefix, signal);
  try {
    const capabilities = await askAll(objects);
    const get = await objects.mayRead('small');
    const remaining = await objects.remove();
    const permissions = { get, abort: true, delete: remaining.length === 0 };
    return { status: 'probed', capabilities, permissions, remaining };
  } catch (error) {
    await objects.remove();
    if (!(error instanceof OutcomeError)) throw error;
    const { outcome } = error;
    return outcome.status === 'failed' ? { ...outcome, lacks: objects.lacks } : outcome;
  }
}

async function askAll(objects: ProbeObjects): Promise<StoreCapabilities> {
  const bytes = randomBytes(16);
  const tail = randomBytes(3);
  await objects.require('small', bytes);
  const small = await objects.head('small');
  const isKnown = small.crc32c === toBase64Crc(crc32c(bytes));
  const isCreateRefused = !(await objects.puts('small', bytes, { generation: '0' }));
  const isCreateTaken = await objects.puts('tail', tail, { generation: '0' });
  const isReplaceRefused = !(await objects.puts('small', bytes, { generation: OTHER }));
  const isReplaceTaken = await objects.puts('small', bytes, { generation: small.generation });
  const isWrongRefused = !(await objects.puts('small', bytes, { checksum: tail }));

  const base = (await objects.head('small')).generation;
  const part = (await objects.head('tail')).generation;
  const isOtherRefused = !(await objects.composes({ base, part, expected: OTHER }));
  const isOtherBaseRefused = !(await objects.composes({ base: OTHER, part, expected: base }));
  const isOtherPartRefused = !(await objects.composes({ base, part: OTHER, expected: base }));
  const isUntouched = (await objects.head('small')).generation === base;
  const isComposed = isUntouched && (await objects.composes({ base, part, expected: base }));
  const whole = await objects.head('small');
  const expected = crc32c(tail, 0, tail.length, crc32c(bytes));
  const isWhole = isComposed && whole.crc32c === toBase64Crc(expected);
  const conditionalComplete = isOtherRefused && isOtherBaseRefused && isOtherPartRefused && isUntouched;
  const metadata = small.hasMetadata && (whole.hasMetadata || !isComposed);
  return {
    ...UNPROBED_GCS,
    conditionalCreate: isCreateRefused && isCreateTaken,
    conditionalReplace: isReplaceRefused && isReplaceTaken,
    conditionalComplete,
    rejectsWrongChecksum: isWrongRefused,
    wholeObjectChecksum: isKnown && metadata,
    multipartChecksum: isWhole,
    metadata,
    append: conditionalComplete && isWhole ? UNPROBED_GCS.append : null,
    versioning: await objects.versioning(),
  };
}

/** The test objects of a probe. Every request is accepted, is rejected, or ends the probe. */
class ProbeObjects {
  lacks: 'get' | 'put' | undefined;
  readonly #connection: GcsConnection;
  readonly #signal: AbortSignal | undefined;
  readonly #prefix: string;
  readonly #made = new Set<string>();

  constructor(connection: GcsConnection, keyPrefix: string, signal: AbortSignal | undefined) {
    this.#connection = connection;
    this.#signal = signal;
    // Unique for each probe: two concurrent probes must not see each other's objects.
    this.#prefix = `${keyPrefix}.plx/probe/${randomBytes(8).toString('hex')}/`;
  }

  /** A write that must succeed for the probe to continue. */
  async require(name: string, bytes: Buffer): Promise<void> {
    try {
      await this.#put(name, bytes, {});
    } catch (error) {
      throw this.#endFrom('write to the bucket', 'put', error);
    }
  }

  /** Whether an upload is accepted, with the checksum of `options.checksum` if that is given. */
  puts(name: string, bytes: Buffer, options: { generation?: string; checksum?: Buffer }): Promise<boolean> {
    return this.#ask(`put ${name}`, () => this.#put(name, bytes, options));
  }

  /** Whether `small` can be composed with `tail`. */
  composes(generations: { base: string; part: string; expected: string }): Promise<boolean> {
    const { base, part, expected } = generations;
    const toSource = (name: string, generation: string) => ({
      name: this.#prefix + name,
      generation,
      objectPreconditions: { ifGenerationMatch: generation },
    });
    const body = {
      kind: 'storage#composeRequest',
      destination: { contentType: CONTENT_TYPE, metadata: METADATA },
      sourceObjects: [toSource('small', base), toSource('tail', part)],
    };
    return this.#ask('compose objects', () =>
      this.#connection.send({
        method: 'POST',
        path: `${this.#path('small')}/compose`,
        query: { ifGenerationMatch: expected },
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(JSON.stringify(body)),
        signal: this.#signal,
      }),
    );
  }

  async head(name: string) {
    try {
      const found = await this.#connection.ask<GcsObject>({
        method: 'GET',
        path: this.#path(name),
        query: { fields: OBJECT_FIELDS },
        signal: this.#signal,
      });
      const hasMetadata = found.metadata?.['plx-commit'] === METADATA['plx-commit'];
      return { generation: found.generation, crc32c: found.crc32c, hasMetadata };
    } catch (error) {
      throw this.#endFrom('read from the bucket', 'get', error);
    }
  }

  /** Also `on` when soft delete keeps replaced objects, because they are charged too. */
  async versioning(): Promise<'on' | 'off' | 'unknown'> {
    interface Bucket {
      readonly versioning?: { readonly enabled?: boolean };
      readonly softDeletePolicy?: { readonly retentionDurationSeconds?: string };
    }
    let bucket: Bucket = {};
    const isKnown = await this.#ask('read the versioning of the bucket', async () => {
      const path = `/storage/v1/b/${this.#connection.bucket}`;
      bucket = await this.#connection.ask<Bucket>({
        method: 'GET',
        path,
        query: { fields: 'versioning,softDeletePolicy' },
        signal: this.#signal,
      });
    });
    if (!isKnown) return 'unknown';
    const keptSeconds = Number(bucket.softDeletePolicy?.retentionDurationSeconds ?? 0);
    return bucket.versioning?.enabled === true || keptSeconds > 0 ? 'on' : 'off';
  }

  mayRead(name: string): Promise<boolean> {
    return this.#ask('read an object', () =>
      this.#connection.send({
        method: 'GET',
        path: this.#path(name),
        query: { alt: 'media' },
        signal: this.#signal,
      }),
    );
  }

  /** Removes all test objects. Returns the names of those that could not be deleted. */
  async remove(): Promise<string[]> {
    const remaining: string[] = [];
    for (const name of this.#made)
      if (!(await removeTail(this.#connection, { name: this.#prefix + name })))
        remaining.push(this.#prefix + name);
    return remaining;
  }

  async #put(
    name: string,
    bytes: Buffer,
    { generation, checksum = bytes }: { generation?: string; checksum?: Buffer },
  ): Promise<void> {
    this.#made.add(name);
    const boundary = 'probe';
    const resource = {
      name: this.#prefix + name,
      crc32c: toBase64Crc(crc32c(checksum)),
      metadata: METADATA,
    };
    const body = Buffer.concat([
      Buffer.from(
        `--${boundary}\r\ncontent-type: application/json\r\n\r\n${JSON.stringify(resource)}\r\n--${boundary}\r\ncontent-type: ${CONTENT_TYPE}\r\n\r\n`,
      ),
      bytes,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    await this.#connection.send({
      method: 'POST',
      path: this.#connection.uploadPath,
      query: { uploadType: 'multipart', ifGenerationMatch: generation },
      headers: { 'content-type': `multipart/related; boundary=${boundary}` },
      body,
      signal: this.#signal,
    });
  }

  #path(name: string): string {
    return this.#connection.objectPath(this.#prefix + name);
  }

  async #ask(question: string, send: () => Promise<unknown>): Promise<boolean> {
    try {
      await send();
      return true;
    } catch (error) {
      const outcome = gcsOutcomeFrom(question, error, this.#signal);
      if (isPassing(outcome)) throw new OutcomeError(outcome);
      return false;
    }
  }

  #endFrom(operation: string, permission: 'get' | 'put', error: unknown): OutcomeError {
    if (error instanceof GcsError && error.httpStatus === 403) this.lacks = permission;
    return new OutcomeError(gcsOutcomeFrom(operation, error, this.#signal));
  }
}
