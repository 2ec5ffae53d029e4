import { describe, expect, it } from 'vitest';
import type { EventFileWriter } from '../../../src/format/writer/event-file-writer.js';
import { PendingEvents, type PendingValue } from '../../../src/format/writer/pending-events.js';

/** A value of 100 bytes that records where it was encoded. The threads finish when `finish` is called. */
class FakeValue implements PendingValue {
  readonly sizeBytes = 100;
  readonly encodedBy: string[] = [];
  readonly #write: () => void;
  finish: () => void = () => {};

  constructor(write: () => void) {
    this.#write = write;
  }

  now(): () => void {
    this.encodedBy.push('call');
    return this.#write;
  }

  later(): Promise<() => void> {
    this.encodedBy.push('threads');
    return new Promise((resolve) => {
      this.finish = () => resolve(this.#write);
    });
  }
}

/** The next step of every tag, by the events that are written. */
const WRITTEN_STEP = 70;

function createPending(maxBytes: number) {
  const written: string[] = [];
  const writer = { drain: () => {}, nextStep: () => WRITTEN_STEP } as unknown as EventFileWriter;
  const pending = new PendingEvents(writer, maxBytes, () => {});
  const values: FakeValue[] = [];
  const add = (): void => {
    const tag = `${values.length}`;
    values.push(new FakeValue(() => written.push(tag)));
    pending.add([tag], 0, values.at(-1)!);
  };
  return { pending, values, written, add };
}

describe('PendingEvents', () => {
  it('makes calls encode their own value when most of the memory is in use', async () => {
    const { pending, values, written, add } = createPending(1000);

    for (let i = 0; i < 9; i++) add();

    expect(values.map(({ encodedBy }) => encodedBy.join())).toEqual([
      ...Array(7).fill('threads'),
      ...['call', 'call'],
    ]);
    expect(written).toEqual([]);
    for (const value of values) value.finish();
    await pending.settle();
    expect(written).toEqual(values.map((_, i) => `${i}`));
  });

  it('says whether events wait, and resolves at once when none do', async () => {
    const { pending, values, add } = createPending(1000);
    expect(pending.isWaiting).toBe(false);
    await pending.settle();
    add();
    expect(pending.isWaiting).toBe(true);
    expect(pending.has('0')).toBe(true);
    expect(pending.has('1')).toBe(false);
    const settled = pending.settle();
    values[0]!.finish();
    await settled;
    expect(pending.isWaiting).toBe(false);
    expect(pending.has('0')).toBe(false);
  });

  it('reports a value that fails in threads and call, or while it is passed on, with its first tag', async () => {
    const lost: string[] = [];
    const writer = { drain: () => {}, nextStep: () => WRITTEN_STEP } as unknown as EventFileWriter;
    const pending = new PendingEvents(writer, 1000, (tag, cause) => lost.push(`${tag}: ${String(cause)}`));
    const fail = (text: string) => () => {
      throw new Error(text);
    };
    pending.add(['a', 'b'], 0, {
      sizeBytes: 1,
      now: fail('call'),
      later: () => Promise.reject(new Error('threads')),
    });
    pending.add(['c'], 0, { sizeBytes: 1, now: fail('call'), later: () => Promise.resolve(fail('write')) });
    await pending.settle();
    await Promise.resolve();

    expect(lost).toEqual(['a: Error: call', 'c: Error: write']);
  });

  it('knows the next step of a tag while one of its events waits, then asks the writer', () => {
    const { pending, values } = createPending(1000);
    const add = (tags: string[], step: number): void => {
      values.push(new FakeValue(() => undefined));
      pending.add(tags, step, values.at(-1)!);
    };
    add(['a', 'b'], 4);
    add(['a'], 5);

    expect(['a', 'b', 'c'].map((tag) => pending.nextStep(tag))).toEqual([6, 5, WRITTEN_STEP]);
    pending.drain();
    expect(['a', 'b', 'c'].map((tag) => pending.nextStep(tag))).toEqual(Array(3).fill(WRITTEN_STEP));
    add(['a'], 8);
    expect(pending.nextStep('a')).toBe(9);
    pending.drain();
    expect(pending.nextStep('a')).toBe(WRITTEN_STEP);
  });

  it('encodes the oldest values synchronously when the memory is full', () => {
    const { values, written, add, pending } = createPending(1000);

    for (let i = 0; i < 12; i++) add();

    expect(written).toEqual(['0', '1']);
    expect(values[0]!.encodedBy).toEqual(['threads', 'call']);
    pending.drain();
    expect(written).toHaveLength(12);
  });
});
