/**
 * Finds out what a Google Cloud Storage bucket supports, with test objects of a few bytes below `.plx/probe/` that it removes.
 */

import { randomBytes } from 'node:crypto';
import { crc32c } from '../../../src/format/record/crc32c.js';
import type { StoreCapabilities } from '../base/capabilities.js';
import { CONTENT_TYPE, toBase64Crc } from '../base/commit-metadata.js';
import { ProbeObjects } from '../base/probe-objects.js';
import type { ProbeOutcome } from '../base/store.js';
import { gcsOutcomeFrom, toGcsFailure } from './answer.js';
import type { GcsConnection } from './connection.js';
import { removeObject } from './reader.js';
import { UNPROBED_GCS } from './store-limits.js';

/** A generation that no object has, because it is too old. */
const OTHER = '1000000000000';
const METADATA = { 'plx-commit': 'probe' };

export function probeGcsBucket(
  connection: GcsConnection,
  keyPrefix: string,
  signal?: AbortSignal,
): Promise<ProbeOutcome> {
  const objects = new GcsProbeObjects(connection, keyPrefix, signal);
  return objects.probe(() => askAll(objects));
}

async function askAll(objects: GcsProbeObjects): Promise<StoreCapabilities> {
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

class GcsProbeObjects extends ProbeObjects {
  readonly #connection: GcsConnection;
  readonly #made = new Set<string>();

  constructor(connection: GcsConnection, keyPrefix: string, signal: AbortSignal | undefined) {
    super(keyPrefix, { toFailure: toGcsFailure, outcomeFrom: gcsOutcomeFrom }, signal);
    this.#connection = connection;
  }

  /** A write that must succeed for the probe to continue. */
  async require(name: string, bytes: Buffer): Promise<void> {
    try {
      await this.#put(name, bytes, {});
    } catch (error) {
      throw this.endFrom('write to the bucket', 'put', error);
    }
  }

  /** Whether an upload is accepted, with the checksum of `options.checksum` if that is given. */
  puts(name: string, bytes: Buffer, options: { generation?: string; checksum?: Buffer }): Promise<boolean> {
    return this.accepts(`put ${name}`, () => this.#put(name, bytes, options));
  }

  /** Whether `small` can be composed with `tail`. */
  composes(generations: { base: string; part: string; expected: string }): Promise<boolean> {
    const { base, part, expected } = generations;
    const toSource = (name: string, generation: string) => ({
      name: this.prefix + name,
      generation,
      objectPreconditions: { ifGenerationMatch: generation },
    });
    const body = {
      kind: 'storage#composeRequest',
      destination: { contentType: CONTENT_TYPE, metadata: METADATA },
      sourceObjects: [toSource('small', base), toSource('tail', part)],
    };
    return this.accepts('compose objects', () =>
      this.#connection.send({
        method: 'POST',
        path: `${this.#path('small')}/compose`,
        query: { ifGenerationMatch: expected },
        headers: { 'content-type': 'application/json' },
        body: Buffer.from(JSON.stringify(body)),
        signal: this.signal,
      }),
    );
  }

  async head(name: string) {
    try {
      const found = await this.#connection.head(this.prefix + name, this.signal);
      const hasMetadata = found.metadata?.['plx-commit'] === METADATA['plx-commit'];
      return { generation: found.generation, crc32c: found.crc32c, hasMetadata };
    } catch (error) {
      throw this.endFrom('read from the bucket', 'get', error);
    }
  }

  /** Also `on` when soft delete keeps replaced objects, because they are charged too. */
  async versioning(): Promise<'on' | 'off' | 'unknown'> {
    interface Bucket {
      readonly versioning?: { readonly enabled?: boolean };
      readonly softDeletePolicy?: { readonly retentionDurationSeconds?: string };
    }
    const bucket = await this.ask('read the versioning of the bucket', () =>
      this.#connection.ask<Bucket>({
        method: 'GET',
        path: `/storage/v1/b/${this.#connection.bucket}`,
        query: { fields: 'versioning,softDeletePolicy' },
        signal: this.signal,
      }),
    );
    if (bucket === null) return 'unknown';
    const keptSeconds = Number(bucket.softDeletePolicy?.retentionDurationSeconds ?? 0);
    return bucket.versioning?.enabled === true || keptSeconds > 0 ? 'on' : 'off';
  }

  mayRead(name: string): Promise<boolean> {
    return this.accepts('read an object', () =>
      this.#connection.send({
        method: 'GET',
        path: this.#path(name),
        query: { alt: 'media' },
        signal: this.signal,
      }),
    );
  }

  async remove(): Promise<{ remaining: string[]; mayAbort: boolean }> {
    const remaining: string[] = [];
    for (const name of this.#made)
      if (!(await removeObject(this.#connection, this.prefix + name))) remaining.push(this.prefix + name);
    return { remaining, mayAbort: true };
  }

  async #put(
    name: string,
    bytes: Buffer,
    { generation, checksum = bytes }: { generation?: string; checksum?: Buffer },
  ): Promise<void> {
    this.#made.add(name);
    const boundary = 'probe';
    const resource = {
      name: this.prefix + name,
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
      signal: this.signal,
    });
  }

  #path(name: string): string {
    return this.#connection.objectPath(this.prefix + name);
  }
}
