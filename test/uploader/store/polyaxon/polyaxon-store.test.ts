import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PolyaxonClient } from '../../../../uploader/polyaxon-api/client.js';
import type { Store } from '../../../../uploader/store/base/store.js';
import { fromServerPath, toServerPath } from '../../../../uploader/store/polyaxon/names.js';
import {
  createPolyaxonStore,
  type PolyaxonStoreLimits,
} from '../../../../uploader/store/polyaxon/polyaxon-store.js';
import { FaultProxy } from '../../../support/fault-proxy.js';
import { describeWithPeers } from '../../../support/peers.js';
import { type PolyaxonServer, startSandbox } from '../../../support/polyaxon.js';
import { createSharedTempDir } from '../../../support/temp-dir.js';
import { connectTo } from '../../support/polyaxon-client.js';
import {
  commit,
  describeStore,
  newCommitId,
  readAll,
  sha256,
  someBytes,
  toSource,
} from '../base/contract.js';

const MIB = 1024 * 1024;

describeWithPeers(['polyaxon'], 'Polyaxon store on a real server', () => {
  const directory = createSharedTempDir();
  let server: PolyaxonServer;
  let stores = 0;

  beforeAll(async () => {
    server = await startSandbox(directory);
  });

  /** A separate store for each test: it adds a unique prefix to all keys, so that each test has its own uuids. */
  async function open(limits: Partial<PolyaxonStoreLimits> = {}): Promise<Store> {
    stores += 1;
    const client = new PolyaxonClient({ connection: await connectTo(server.url) });
    afterAll(() => client.close());
    return withPrefix(createPolyaxonStore({ client, limits }), `${stores}-`);
  }

  describeStore(async () => ({ store: await open(), sizes: [0, 1, MIB, 17 * MIB + 1], tails: [] }), {
    lacks: ['append', 'whole replacements', 'pages'],
  });

  it('preserves empty files, and names that the server would change', async () => {
    const store = await open();
    const names = [
      ...[
        '+',
        'a+b %2B',
        'line%0Abreak',
        'back\\slash',
        'no\u00a0break',
        'zero\u200bwidth',
        'a&amp;b',
        '&lt',
        '&#65;x',
      ],
      ...[
        '"quoted"',
        "it's",
        ' lead and trail ',
        '.hidden',
        '.plx/seg/x/0',
        'x[0].png',
        'what?',
        '*',
        '~user',
        'é',
        'e\u0301',
      ],
      ...['semi;colon', 'a=b', '#hash', '日本 語', 'n'.repeat(255), 'é'.repeat(127)],
    ];

    for (const name of names)
      expect((await commit(store, `run/d/${name}`, Buffer.from(name))).status).toBe('stored');
    expect((await commit(store, 'run/d/empty', Buffer.alloc(0))).status).toBe('stored');

    const listed = new Map<string, number>();
    for await (const { key, sizeBytes } of store.list('run/d/')) listed.set(key, sizeBytes);
    expect([...listed.keys()].sort()).toEqual([...names, 'empty'].map((name) => `run/d/${name}`).sort());
    for (const name of names) {
      const sizeBytes = Buffer.byteLength(name);
      expect((await readAll(store, `run/d/${name}`)).toString()).toBe(name);
      expect(await store.head(`run/d/${name}`)).toMatchObject({ object: { sizeBytes } });
      const version = { etag: `size-${sizeBytes}`, sizeBytes };
      expect(await store.remove({ key: `run/d/${name}`, version })).toEqual({ status: 'removed' });
    }
    expect(await readAll(store, 'run/d/empty')).toEqual(Buffer.alloc(0));
    expect(listed.get('run/d/empty')).toBe(0);
  });

  it('rejects names that are too long in the encoding of the server', async () => {
    const store = await open();

    expect(await commit(store, `run/${'\\'.repeat(100)}`, Buffer.from('x'))).toMatchObject({
      status: 'failed',
      error: { code: 'ERR_STORE_LIMIT' },
    });
  });

  it('reads the current content although the server caches files', async () => {
    const store = await open();
    const first = await commit(store, 'run/events/metric/loss.plx', Buffer.from('step|timestamp|metric\n1'));
    await readAll(store, 'run/events/metric/loss.plx');
    let etag = first.status === 'stored' ? first.etag : '';
    let text = 'step|timestamp|metric\n1';

    for (let step = 2; step < 10; step += 1) {
      const base = { etag, sizeBytes: text.length };
      text += `\n${step}`;
      const outcome = await commit(store, 'run/events/metric/loss.plx', Buffer.from(text), base);
      etag = outcome.status === 'stored' ? outcome.etag : '';
      expect((await readAll(store, 'run/events/metric/loss.plx')).toString()).toBe(text);
    }
  });

  it('never replaces a directory by a file, or a file by a directory', async () => {
    const store = await open();
    await commit(store, 'run/a/b', Buffer.from('x'));

    expect(await commit(store, 'run/a', Buffer.from('y'))).toMatchObject({
      status: 'failed',
      error: { code: 'ERR_STORE_REQUEST', message: expect.stringContaining('directory') },
    });
    expect((await commit(store, 'run/a/b/c', Buffer.from('z'))).status).not.toBe('stored');
    expect((await readAll(store, 'run/a/b')).toString()).toBe('x');
  });

  it('verifies large files by size, and by bytes when the size is unchanged', async () => {
    const store = await open({ readBackMaxBytes: MIB, bufferMaxBytes: MIB });
    const bytes = someBytes(3 * MIB);
    const first = await commit(store, 'run/large', bytes);
    const other = Buffer.from(bytes);
    other[0]! ^= 1;
    const base = { etag: first.status === 'stored' ? first.etag : '', sizeBytes: bytes.length };

    expect((await commit(store, 'run/large', other, base)).status).toBe('stored');
    expect(sha256(await readAll(store, 'run/large'))).toBe(sha256(other));
  });

  it('writes files to the paths where the server expects them', async () => {
    const client = new PolyaxonClient({ connection: await connectTo(server.url) });
    const store = createPolyaxonStore({ client });
    const uuid = 'a'.repeat(32);

    await commit(store, `${uuid}/outputs/a b/é.txt`, Buffer.from('x'));

    expect(readFileSync(join(directory, uuid, 'outputs', 'a b', 'é.txt'), 'utf8')).toBe('x');
    await store.close();
  });

  describe('behind a proxy with faults', () => {
    it('has one effect when the response is lost', async () => {
      const proxy = await FaultProxy.start(server.url);
      const client = new PolyaxonClient({ connection: await connectTo(proxy.endpoint) });
      const store = createPolyaxonStore({ client });
      let isLost = false;
      proxy.script = ({ method }) => {
        if (method !== 'POST' || isLost) return undefined;
        isLost = true;
        return { kind: 'drop-answer' };
      };
      const bytes = someBytes(1000);
      const target = { sizeBytes: bytes.length, crc32: crc32(bytes) };
      const request = {
        key: `${'b'.repeat(32)}/lost`,
        source: toSource(bytes),
        target,
        base: null,
        commitId: newCommitId(),
      };

      const first = await store.commit(request);
      expect(first).toMatchObject({ status: 'retry', cause: { code: 'ERR_API_UNREACHABLE' } });
      expect(await store.commit(request)).toMatchObject({ status: 'stored' });

      expect(proxy.log.filter(({ method }) => method === 'POST')).toHaveLength(1);
      await store.close();
    });

    it('detects that the stored bytes differ', async () => {
      const proxy = await FaultProxy.start(server.url);
      const client = new PolyaxonClient({ connection: await connectTo(proxy.endpoint) });
      const store = createPolyaxonStore({ client });
      proxy.script = ({ method }) => (method === 'POST' ? { kind: 'flip', atByte: 800 } : undefined);

      const outcome = await commit(store, `${'c'.repeat(32)}/flipped`, someBytes(5000));

      expect(outcome).toMatchObject({ status: 'retry', maxAttempts: 3 });
      await store.close();
    });
  });
});

/** The same store, with a prefix added to all keys. */
function withPrefix(store: Store, prefix: string): Store {
  return {
    ...bind(store),
    id: store.id,
    capabilities: store.capabilities,
    commit: (request) => store.commit({ ...request, key: prefix + request.key }),
    append: (request) => store.append({ ...request, key: prefix + request.key }),
    remove: (request) => store.remove({ ...request, key: prefix + request.key }),
    head: (key, signal) => store.head(prefix + key, signal),
    read: (key, options) => store.read(prefix + key, options),
    list: async function* (start, { after, ...options } = {}) {
      const shifted = after === undefined ? {} : { after: prefix + after };
      for await (const object of store.list(prefix + start, { ...options, ...shifted }))
        yield { ...object, key: object.key.slice(prefix.length) };
    },
  };
}
function bind(store: Store) {
  return {
    check: store.check.bind(store),
    abandon: store.abandon.bind(store),
    collect: store.collect.bind(store),
    close: store.close.bind(store),
  };
}

describe('toServerPath', () => {
  it('encodes characters that the server would remove, and fromServerPath decodes them', () => {
    expect(toServerPath('a\\b/c\u00a0d/e*')).toBe('a%5Cb/c%C2%A0d/e%2A');
    for (const path of [
      'a\\b',
      'a\u00a0b',
      '\u200b',
      '%25',
      '%0A',
      'a%25',
      '[x]',
      '?',
      '*',
      'é 😀',
      '%FF',
      '%E2%80',
      '\u2028\\',
    ])
      expect(fromServerPath(toServerPath(path))).toBe(path);
  });

  it('keeps the existing encodings of the uploader', () => {
    for (const path of ['100%25', 'line%0Abreak', '%EF%BF%BF', '%C3%28', 'C%3A'])
      expect([toServerPath(path), fromServerPath(path)]).toEqual([path, path]);
  });
});
