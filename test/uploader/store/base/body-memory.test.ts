import { describe, expect, it } from 'vitest';
import { BodyMemory, readBody } from '../../../../uploader/store/base/body-memory.js';

const MIB = 1024 * 1024;

/** A promise that resolves when `open` is called. */
function createGate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe('BodyMemory', () => {
  it('reuses a free buffer for bodies of similar size', async () => {
    const memory = new BodyMemory({ capacityBytes: 16 * MIB, largestBytes: 8 * MIB });
    const used = new Set<ArrayBufferLike>();
    for (const sizeBytes of [8 * MIB, 5 * MIB, 8 * MIB - 1, 6 * MIB])
      await memory.use(sizeBytes, async (buffer) => {
        expect(buffer?.length).toBe(sizeBytes);
        if (buffer !== null) used.add(buffer.buffer);
      });
    expect(used.size).toBe(1);
  });

  it('never shares a buffer between two users, and never exceeds its capacity', async () => {
    const memory = new BodyMemory({ capacityBytes: 16 * MIB, largestBytes: 8 * MIB });
    const gate = createGate();
    const inUse = new Set<ArrayBufferLike>();
    let most = 0;
    const users = [8, 8, 4, 8, 2, 8].map((mib) =>
      memory.use(mib * MIB, async (buffer) => {
        if (buffer === null) throw new Error('expected a buffer');
        expect(inUse.has(buffer.buffer)).toBe(false);
        inUse.add(buffer.buffer);
        most = Math.max(
          most,
          [...inUse].reduce((sum, { byteLength }) => sum + byteLength, 0),
        );
        await gate.opened;
        inUse.delete(buffer.buffer);
      }),
    );
    gate.open();
    await Promise.all(users);
    expect(most).toBe(16 * MIB);
  });

  it('returns no buffer for a body that is too large, and a new buffer for a small one', async () => {
    const memory = new BodyMemory({ capacityBytes: 16 * MIB, largestBytes: 8 * MIB });
    expect(await memory.use(8 * MIB + 1, async (buffer) => buffer)).toBeNull();
    expect((await memory.use(100, async (buffer) => buffer))?.length).toBe(100);
    expect((await memory.use(0, async (buffer) => buffer))?.length).toBe(0);
  });

  it('frees its capacity after a failure', async () => {
    const memory = new BodyMemory({ capacityBytes: 8 * MIB, largestBytes: 8 * MIB });
    const fail = memory.use(8 * MIB, async () => {
      throw new Error('no');
    });
    await expect(fail).rejects.toThrow('no');
    expect(await memory.use(8 * MIB, async () => 'done')).toBe('done');
  });
});

describe('readBody', () => {
  it('reads into the buffer if the source supports it, and returns fewer bytes for a short source', async () => {
    const bytes = Buffer.from('abcdef');
    const source = {
      read: async (start: number, end: number) => Buffer.from(bytes.subarray(start, end)),
      readInto: async (buffer: Buffer, start: number) => bytes.copy(buffer, 0, start),
    };
    const asked: number[] = [];
    const spy = {
      ...source,
      readInto: async (into: Buffer, start: number) => {
        asked.push(into.length, start);
        return 1;
      },
    };
    await readBody(spy, { start: 2, end: 5 }, Buffer.alloc(8));
    expect(asked).toEqual([3, 2]);
    const buffer = Buffer.alloc(8);
    const body = await readBody(source, { start: 2, end: 9 }, buffer.subarray(0, 7));
    expect(body.toString()).toBe('cdef');
    expect(body.buffer).toBe(buffer.buffer);
    const plain = await readBody({ read: source.read }, { start: 2, end: 4 }, buffer);
    expect(plain.toString()).toBe('cd');
    expect(plain.buffer).not.toBe(buffer.buffer);
  });
});
