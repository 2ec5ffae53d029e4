/** The contract of cloud stores on an unreliable network, as tests. Each fault hits each request of each kind of write. */

import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type {
  AppendOutcome,
  AppendRequest,
  CommitRequest,
  Store,
} from '../../../../uploader/store/base/store.js';
import { CAPTIVE_PORTAL, type Fault, type FaultProxy } from '../../../support/fault-proxy.js';
import { commit, newCommitId, readAll, sha256, someBytes, toSource } from './contract.js';
import { toAppend } from './contract-append.js';

export interface FaultyStore {
  readonly store: Store;
  readonly proxy: FaultProxy;
  /** The size of an object for one request; the next two are for several requests and for a tail. */
  readonly smallBytes: number;
  readonly largeBytes: number;
  readonly tailBytes: number;
}

const FAULTS: readonly (readonly [string, Fault])[] = [
  ['a lost response', { kind: 'drop-answer' }],
  ['a reset before the body', { kind: 'reset', afterBytes: 0 }],
  ['a reset within the body', { kind: 'reset', afterBytes: 1000 }],
  ['a flipped bit', { kind: 'flip', atByte: 700 }],
  ['a request that is executed after its connection has closed', { kind: 'orphan' }],
  ['an overloaded server', { kind: 'answer', answer: { status: 503, body: '' } }],
  ['a success response replaced by an error', { kind: 'replace-answer', answer: { status: 500, body: '' } }],
  ['a web page instead of a response', { kind: 'answer', answer: CAPTIVE_PORTAL }],
];
const MAX_REQUESTS = 20;

export function describeFaults(open: () => Promise<FaultyStore>): void {
  describe.each(FAULTS)('%s', (_, fault) => {
    it.each(['small', 'large', 'append'] as const)('does not damage a write: %s', async (kind) => {
      const { store, proxy, ...sizes } = await open();
      for (let at = 0; at < MAX_REQUESTS; at += 1) {
        const key = `run/${kind}-${at}`;
        const { send, bytes } = await prepare(store, key, kind, sizes);
        let seen = 0;
        proxy.script = () => {
          seen += 1;
          return seen === at + 1 ? fault : undefined;
        };

        const outcome = await untilDecided(send);
        proxy.script = () => undefined;

        expect(outcome).toMatchObject({ status: 'stored' });
        const found = await store.head(key);
        expect(found).toMatchObject({ status: 'found', object: { sizeBytes: bytes.length } });
        if (outcome.status === 'stored') expect(found).toMatchObject({ object: { etag: outcome.etag } });
        expect(sha256(await readAll(store, key))).toBe(sha256(bytes));
        if (seen <= at) return; // the fault has hit every request
      }
      throw new Error(`more than ${MAX_REQUESTS} requests`);
    });
  });

  it('treats a web page instead of a response as a temporary failure', async () => {
    const { store, proxy } = await open();
    await commit(store, 'run/there', Buffer.from('x'));
    proxy.script = () => ({ kind: 'answer', answer: CAPTIVE_PORTAL });

    const list = async (): Promise<void> => {
      for await (const _ of store.list('run/')) throw new Error('expected no listing');
    };
    expect(await store.check()).toMatchObject({ status: 'retry' });
    expect(await store.head('run/there')).toMatchObject({ status: 'retry' });
    await expect(list()).rejects.toMatchObject({ outcome: { status: 'retry' } });
  });
}

async function prepare(
  store: Store,
  key: string,
  kind: 'small' | 'large' | 'append',
  { smallBytes, largeBytes, tailBytes }: Omit<FaultyStore, 'store' | 'proxy'>,
): Promise<{ send: () => Promise<AppendOutcome>; bytes: Buffer }> {
  if (kind !== 'append') {
    const bytes = someBytes(kind === 'small' ? smallBytes : largeBytes);
    const request: CommitRequest = {
      key,
      source: toSource(bytes),
      target: { sizeBytes: bytes.length, crc32: crc32(bytes) },
      base: null,
      commitId: newCommitId(),
    };
    return { send: () => store.commit(request), bytes };
  }
  const bytes = someBytes(largeBytes + tailBytes);
  const start = bytes.subarray(0, largeBytes);
  const exportFiles = await commit(store, key, start);
  if (exportFiles.status !== 'stored') throw new Error(`no base: ${JSON.stringify(exportFiles)}`);
  const base = { etag: exportFiles.etag, sizeBytes: start.length, crc32: crc32(start) };
  const request: AppendRequest = toAppend(key, base, bytes);
  return { send: () => store.append(request), bytes };
}

async function untilDecided(send: () => Promise<AppendOutcome>): Promise<AppendOutcome> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const outcome = await send();
    if (outcome.status !== 'retry') return outcome;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('only retries, no final outcome');
}
