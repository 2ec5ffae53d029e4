/** Commits and appends have exactly one effect, whatever network fault occurs. The number of object versions in the bucket counts effects. */

import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { AppendOutcome, StoredPart } from '../../../../uploader/store/base/store.js';
import { openS3Store, type S3Store } from '../../../../uploader/store/s3/s3-store.js';
import {
  CAPTIVE_PORTAL,
  type CannedAnswer,
  ERROR_IN_SUCCESS,
  type Fault,
  FaultProxy,
  type S3Operation,
  SLOW_DOWN,
} from '../../../support/fault-proxy.js';
import { describeWithPeers } from '../../../support/peers.js';
import { S3Server } from '../../../support/s3-server.js';
import { askAll } from '../s3/ask-all.js';
import { commit, newCommitId, readAll, sha256, someBytes, toSource } from './contract.js';
import { toAppend } from './contract-append.js';

const MIB = 1024 * 1024;
const PART_BYTES = 5 * MIB;
const LIMITS = { singlePutMaxBytes: MIB, partBytes: PART_BYTES, tailPartBytes: PART_BYTES };
/** Short, because many tests wait for it, and longer than a busy machine needs for an answer. */
const SILENCE_MS = 1_500;
const TIMEOUTS = { silenceMs: SILENCE_MS, patientSilenceMs: SILENCE_MS, totalMs: 20_000 };

/** `STORE_FAULT_TRIALS=10000` for a long run, `STORE_FAULT_SEED` for another sequence. */
const TRIALS = Number(process.env.STORE_FAULT_TRIALS ?? 100);

const NO_SUCH_UPLOAD: CannedAnswer = {
  status: 404,
  headers: { 'content-type': 'application/xml' },
  body: '<?xml version="1.0"?><Error><Code>NoSuchUpload</Code><Message>It is gone.</Message></Error>',
};

const FAULTS: Readonly<Record<string, Fault>> = {
  'a reset before the body': { kind: 'reset', afterBytes: 0 },
  'a reset within the body': { kind: 'reset', afterBytes: 200_000 },
  'a stall within the body': { kind: 'stall', afterBytes: 100_000 },
  '503 with Retry-After': { kind: 'answer', answer: SLOW_DOWN },
  'an error in a 200 response from a proxy': { kind: 'answer', answer: ERROR_IN_SUCCESS },
  'an error in a 200 response after execution': { kind: 'replace-answer', answer: ERROR_IN_SUCCESS },
  '503 after execution': { kind: 'replace-answer', answer: SLOW_DOWN },
  'the page of a captive portal': { kind: 'answer', answer: CAPTIVE_PORTAL },
  'a lost response': { kind: 'drop-answer' },
  'half a response': { kind: 'drop-answer', afterBytes: 40 },
  'a reset while the server executes the request': { kind: 'orphan' },
  'no response after execution': { kind: 'silence' },
};

describeWithPeers(['s3'], 'S3 store on an unreliable network', () => {
  let server: S3Server;
  let proxy: FaultProxy;
  let bucket: string;
  /** With the usual time limits. */
  let store: S3Store;
  /** Gives up soon when the server is silent. */
  let impatient: S3Store;
  let direct: S3Store;
  let keys = 0;

  beforeAll(async () => {
    server = await S3Server.startShared();
    for (const [name, value] of Object.entries(server.env)) vi.stubEnv(name, value);
    let stopProxy: (() => void) | undefined;
    proxy = await FaultProxy.start(server.endpoint, (stop) => {
      stopProxy = stop;
    });
    bucket = await server.versionedBucket('versioned');
    direct = await openS3Store({ bucket, prefix: '', endpoint: server.endpoint, limits: LIMITS });
    await askAll(direct);
    const options = { bucket, prefix: '', endpoint: proxy.endpoint, limits: LIMITS };
    store = await openS3Store(options);
    impatient = await openS3Store({ ...options, timeouts: TIMEOUTS });
    for (const each of [store, impatient]) each.learned.adopt(direct.learned.entries);
    return async () => {
      await store.close();
      await impatient.close();
      await direct.close();
      stopProxy?.();
      vi.unstubAllEnvs();
    };
  });

  /** Applies the fault to the first `times` requests of the operation. */
  function strike(operation: S3Operation, fault: Fault, times: number): { readonly struck: () => number } {
    let struck = 0;
    proxy.script = (request) => {
      if (request.operation !== operation || struck >= times) return undefined;
      struck += 1;
      return fault;
    };
    return { struck: () => struck };
  }

  function newKey(): string {
    keys += 1;
    return `run/${keys}`;
  }

  describe.each(Object.entries(FAULTS))('%s', (_, fault) => {
    const open = (): S3Store => (fault.kind === 'silence' || fault.kind === 'stall' ? impatient : store);

    it.each<[S3Operation, number]>([['PutObject', 300_000]])(
      'in %s: a small commit has one effect',
      async (operation, size) => {
        for (const times of [1, 3]) {
          const key = newKey();
          const bytes = someBytes(size);
          const { struck } = strike(operation, fault, times);
          const request = toCommit(key, bytes);

          expect((await untilDecided(() => open().commit(request))).status).toBe('stored');

          expect(struck()).toBeGreaterThanOrEqual(1);
          expect(await effectsOf(key, bytes)).toBe(1);
        }
      },
    );

    it.each<S3Operation>(['CreateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload'])(
      'in %s: a large commit has one effect',
      async (operation) => {
        const key = newKey();
        const bytes = someBytes(PART_BYTES + MIB);
        const { struck } = strike(operation, fault, 2);
        const request = toCommit(key, bytes);

        expect((await untilDecided(() => open().commit(request))).status).toBe('stored');

        expect(struck()).toBeGreaterThanOrEqual(1);
        expect(await effectsOf(key, bytes)).toBe(1);
      },
    );

    it.each<S3Operation>([
      'CreateMultipartUpload',
      'UploadPartCopy',
      'UploadPart',
      'CompleteMultipartUpload',
    ])('in %s: an append has one effect', async (operation) => {
      const key = newKey();
      const bytes = someBytes(PART_BYTES + 300_000);
      const start = bytes.subarray(0, PART_BYTES);
      const exportFiles = await commit(direct, key, start);
      const etag = exportFiles.status === 'stored' ? exportFiles.etag : '';
      const { struck } = strike(operation, fault, 2);
      const request = toAppend(key, { etag, sizeBytes: start.length, crc32: crc32(start) }, bytes);

      expect((await untilDecided(() => open().append(request))).status).toBe('stored');

      expect(struck()).toBeGreaterThanOrEqual(1);
      expect(await effectsOf(key, bytes)).toBe(2);
    });
  });

  it(`has one effect in each of ${TRIALS} commits and appends with random faults in any request`, {
    timeout: 3_600_000,
  }, async () => {
    const random = createRandom(Number(process.env.STORE_FAULT_SEED ?? 1));
    const start = someBytes(PART_BYTES);
    const counts: Record<string, number> = {};
    for (let trial = 0; trial < TRIALS; trial += 1) {
      const key = newKey();
      const isAppend = trial % 20 === 0; // each needs 10 MiB on the server
      proxy.script = () => undefined;
      const exportFiles = isAppend ? await commit(direct, key, start) : null;
      const bytes = isAppend
        ? Buffer.concat([start, Buffer.from(`tail ${trial}`)])
        : Buffer.from(`trial ${trial}`);
      const base = {
        etag: exportFiles?.status === 'stored' ? exportFiles.etag : '',
        sizeBytes: start.length,
        crc32: crc32(start),
      };
      const request = { ...toAppend(key, base, bytes), ...(isAppend ? {} : { base: null }) };
      // Without silence: it takes time, and to the store it is the same as a lost response.
      const faults = Object.values(FAULTS).filter(({ kind }) => kind !== 'silence' && kind !== 'stall');
      proxy.log.length = 0;
      proxy.script = () => (random() < 0.5 ? faults[Math.floor(random() * faults.length)] : undefined);

      const outcome = await untilDecided(
        () => (isAppend ? store.append({ ...request, base }) : store.commit(request)),
        1000,
      );

      expect(outcome.status).toBe('stored');
      expect(await effectsOf(key, bytes), `trial ${trial}`).toBe(isAppend ? 2 : 1);
      for (const { fault } of proxy.log) if (fault !== null) counts[fault] = (counts[fault] ?? 0) + 1;
    }
    console.log(`${TRIALS} commits and appends, faults: ${JSON.stringify(counts)}`);
  });

  it('reports a repeated completion as stored only once the object is visible', async () => {
    const start = someBytes(PART_BYTES);
    for (let round = 0; round < 20; round += 1) {
      const key = newKey();
      proxy.script = () => undefined;
      const exportFiles = await commit(direct, key, start);
      const bytes = Buffer.concat([start, Buffer.from(`tail ${round}`)]);
      const etag = exportFiles.status === 'stored' ? exportFiles.etag : '';
      const request = toAppend(key, { etag, sizeBytes: start.length, crc32: crc32(start) }, bytes);
      strike('CompleteMultipartUpload', { kind: 'orphan' }, 3);

      expect((await untilDecided(() => store.append(request))).status).toBe('stored');
      expect(await effectsOf(key, bytes)).toBe(2);
    }
  });

  it('returns the delay from Retry-After', async () => {
    strike('PutObject', { kind: 'answer', answer: SLOW_DOWN }, 1);

    expect(await commit(store, newKey(), Buffer.from('x'))).toMatchObject({
      status: 'retry',
      afterMs: 2_000,
    });
  });

  it('never treats the page of a captive portal as an empty store', async () => {
    proxy.script = () => ({ kind: 'answer', answer: CAPTIVE_PORTAL });

    expect((await store.check()).status).toBe('retry');
    expect((await store.head('run/1')).status).toBe('retry');
    await expect(store.list('run/').next()).rejects.toMatchObject({ outcome: { status: 'retry' } });
  });

  it('resends a body when the store reports a checksum mismatch', async () => {
    for (const [operation, size] of [
      ['PutObject', 300_000],
      ['UploadPart', PART_BYTES + MIB],
    ] as const) {
      const key = newKey();
      const bytes = someBytes(size);
      strike(operation, { kind: 'flip', atByte: 70_000 }, 1);
      const request = toCommit(key, bytes);

      const first = await store.commit(request);

      expect(first).toMatchObject({ status: 'retry', maxAttempts: 3 });
      expect((await untilDecided(() => store.commit(request))).status).toBe('stored');
      expect(await effectsOf(key, bytes)).toBe(1);
    }
  });

  it('stores a complete part when the connection breaks at any byte', async () => {
    for (let afterBytes = 0; afterBytes <= PART_BYTES; afterBytes += PART_BYTES / 16) {
      const key = newKey();
      const bytes = someBytes(PART_BYTES + 1);
      strike('UploadPart', { kind: 'reset', afterBytes }, 1);
      const request = toCommit(key, bytes);

      expect((await untilDecided(() => store.commit(request))).status).toBe('stored');
      expect(await effectsOf(key, bytes)).toBe(1);
    }
  });

  it('collects the multipart uploads of a killed process, but not its own', async () => {
    proxy.script = () => undefined;
    const abort = new AbortController();
    const request = { ...toCommit('killed/upload', someBytes(PART_BYTES + 1)), signal: abort.signal };
    const killed = await openS3Store({ bucket, prefix: '', endpoint: proxy.endpoint, limits: LIMITS });
    await killed
      .commit({ ...request, onPartStored: () => abort.abort() })
      .catch(() => 'the process would have been killed by now');

    // A separate prefix: requests of earlier tests may arrive late.
    const old = { prefixes: ['killed/'], olderThanMs: 60_000 };
    expect(await direct.collect(old)).toEqual({ status: 'collected', removed: 0, left: 1 });
    expect(await direct.collect({ prefixes: ['other/'], olderThanMs: 0 })).toMatchObject({
      removed: 0,
      left: 0,
    });
    expect(await killed.collect({ ...old, olderThanMs: 0 })).toMatchObject({ removed: 0 });
    expect(await direct.collect({ ...old, olderThanMs: 0 })).toEqual({
      status: 'collected',
      removed: 1,
      left: 0,
    });
    await killed.close();
  });

  it('resumes with the parts that an earlier process has uploaded', async () => {
    proxy.script = () => undefined;
    const bytes = someBytes(4 * PART_BYTES);
    const request = toCommit(newKey(), bytes);
    const abort = new AbortController();
    const parts: StoredPart[] = [];
    let uploadId = '';
    const first = await openS3Store({ bucket, prefix: '', endpoint: server.endpoint, limits: LIMITS });
    await first
      .commit({
        ...request,
        signal: abort.signal,
        onUploadOpened: (id) => {
          uploadId = id;
        },
        onPartStored: (part) => {
          parts.push(part);
          if (parts.length === 2) abort.abort();
        },
      })
      .catch(() => 'killed');
    await first.close();
    let sentBytes = 0;

    const outcome = await store.commit({
      ...request,
      unfinished: { uploadId, parts },
      onBytesSent: (size) => {
        sentBytes += size;
      },
    });

    expect(outcome.status).toBe('stored');
    expect(parts.length).toBeGreaterThanOrEqual(2);
    // A part that was in flight may also have arrived.
    expect(sentBytes).toBeLessThanOrEqual((4 - parts.length) * PART_BYTES);
    expect(await effectsOf(request.key, bytes)).toBe(1);
    // Repeat it, as after a kill between the completion and the journal entry.
    const again = await direct.commit({ ...request, unfinished: { uploadId, parts } });
    expect(again).toEqual(outcome);
    expect(await effectsOf(request.key, bytes)).toBe(1);
  });

  it('resumes with unrecorded parts of an earlier process if they match the file', async () => {
    const bytes = someBytes(4 * PART_BYTES);
    const request = toCommit(newKey(), bytes);
    const other = Buffer.from(bytes).fill(1, PART_BYTES, PART_BYTES + 10);
    let uploadId = '';
    let open = 0;
    proxy.script = ({ operation }) =>
      operation === 'CompleteMultipartUpload' ? { kind: 'answer', answer: SLOW_DOWN } : undefined;
    const first = await openS3Store({ bucket, prefix: '', endpoint: proxy.endpoint, limits: LIMITS });
    const kept = await first.commit({
      ...request,
      source: toSource(other),
      target: { ...request.target, crc32: crc32(other) },
      onUploadOpened: (id) => {
        uploadId = id;
        open += 1;
      },
    });
    expect([kept.status, open]).toEqual(['retry', 1]);
    proxy.script = () => undefined;
    let sentBytes = 0;

    const outcome = await store.commit({
      ...request,
      unfinished: { uploadId, parts: [] },
      onBytesSent: (size) => {
        sentBytes += size;
      },
    });

    expect(outcome.status).toBe('stored');
    expect(sentBytes).toBe(PART_BYTES);
    expect(await effectsOf(request.key, bytes)).toBe(1);
    await first.close();
  });

  it('waits for a completion that an earlier process has requested before it was killed', async () => {
    const bytes = someBytes(4 * PART_BYTES);
    const request = toCommit(newKey(), bytes);
    const parts: StoredPart[] = [];
    let uploadId = '';
    proxy.script = ({ operation }) =>
      operation === 'CompleteMultipartUpload' ? { kind: 'answer', answer: SLOW_DOWN } : undefined;
    const first = await openS3Store({ bucket, prefix: '', endpoint: proxy.endpoint, limits: LIMITS });
    const kept = await first.commit({
      ...request,
      onUploadOpened: (id) => {
        uploadId = id;
      },
      onPartStored: (part) => parts.push(part),
    });
    expect([kept.status, parts.length]).toEqual(['retry', 4]);
    // The server no longer lists the upload and does not have the object yet, as while it assembles a large object.
    const completed = sleep(1_000).then(() => first.commit(request));
    proxy.script = ({ operation }) =>
      operation === 'ListParts' ? { kind: 'answer', answer: NO_SUCH_UPLOAD } : undefined;
    let sentBytes = 0;

    const outcome = await store.commit({
      ...request,
      unfinished: { uploadId, parts },
      onBytesSent: (size) => {
        sentBytes += size;
      },
    });

    expect((await completed).status).toBe('stored');
    expect(outcome.status).toBe('stored');
    expect(sentBytes).toBe(0);
    expect(await effectsOf(request.key, bytes)).toBe(1);
    await first.close();
  });

  function toCommit(key: string, bytes: Buffer) {
    const target = { sizeBytes: bytes.length, crc32: crc32(bytes) };
    return { key, source: toSource(bytes), target, base: null, commitId: newCommitId(), generation: 3 };
  }

  /** The number of versions. Expects the newest to have the bytes. */
  async function effectsOf(key: string, bytes: Buffer): Promise<number> {
    expect(sha256(await readAll(direct, key))).toBe(sha256(bytes));
    return server.countVersions(bucket, key);
  }
});

/** Retries as a caller does, but without delays. */
async function untilDecided(call: () => Promise<AppendOutcome>, maxAttempts = 100): Promise<AppendOutcome> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await call();
    if (outcome.status !== 'retry') return outcome;
    if (attempt >= maxAttempts) throw new Error('only retries, no final outcome', { cause: outcome.cause });
  }
}

/** A fixed sequence of numbers in [0, 1), so that a failure can be reproduced. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
