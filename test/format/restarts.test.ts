import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endStepOf, Restarts, type SessionStart } from '../../src/format/restarts.js';

const FIRST = { fileName: 'a', offset: 24, step: 0 };

describe('Restarts', () => {
  it('supersedes the steps from a restart on, in all that was written before', () => {
    const restarts = new Restarts([FIRST, { fileName: 'b', offset: 24, step: 10 }]);

    expect(restarts.endStepAt('a', 100)).toBe(10);
    expect(restarts.endStepAt('b', 0)).toBe(10);
    expect(restarts.endStepAt('b', 24)).toBeUndefined();
    expect(restarts.endStepAt('c', 0)).toBeUndefined();
  });

  it('supersedes nothing with the first START when its step is 0', () => {
    const restarts = new Restarts([{ ...FIRST, fileName: 'b' }]);

    expect(restarts.endStepAt('a', 0)).toBeUndefined();
    expect(restarts.isRestart('b', 24)).toBe(false);
  });

  it('supersedes events of earlier files with the first START when its step is above 0, but none of the same file', () => {
    const restarts = new Restarts([{ fileName: 'b', offset: 24, step: 5 }]);

    expect(restarts.endStepAt('a', 0)).toBe(5);
    expect(restarts.endStepAt('b', 0)).toBeUndefined();
    expect(restarts.isRestart('b', 24)).toBe(true);
  });

  it('compares steps beyond 2^53', () => {
    const restarts = new Restarts([FIRST, { fileName: 'b', offset: 0, step: 2n ** 60n + 1n }]);

    expect(restarts.endStepAt('a', 50)).toBe(2n ** 60n + 1n);
  });

  it('forgets the STARTs of files that are gone', () => {
    const restarts = new Restarts([FIRST, { fileName: 'b', offset: 24, step: 10 }]);
    restarts.keepFiles((name) => name !== 'b');

    expect(restarts.endStepAt('a', 100)).toBeUndefined();
    expect([...restarts]).toEqual([FIRST]);
  });

  it('supersedes only the events of its tag with a retraction', () => {
    const retraction = { fileName: 'b', offset: 50, step: 3, tag: 'loss' };
    const restarts = new Restarts([FIRST, { fileName: 'b', offset: 24, step: 10 }, retraction]);

    expect(endStepOf(restarts.endStepAt('a', 100), 'loss')).toBe(3);
    expect(endStepOf(restarts.endStepAt('a', 100), 'accuracy')).toBe(10);
    expect(endStepOf(restarts.endStepAt('b', 30), 'loss')).toBe(3);
    expect(restarts.endStepAt('b', 50)).toBeUndefined();
  });

  it('gives the same answers in whatever order STARTs and retractions are found, as if each were applied when it is read', () => {
    const anyStart = fc.record({
      fileName: fc.constantFrom('a', 'b', 'c'),
      offset: fc.nat(9),
      step: fc.oneof(fc.nat(5), fc.bigInt(0n, 5n)),
      tag: fc.constantFrom(undefined, undefined, 'x', 'y'),
    });
    fc.assert(
      fc.property(fc.array(anyStart, { maxLength: 8 }), anyStart, fc.nat(6), (found, at, step) => {
        const restarts = new Restarts();
        const known = new Map<string, SessionStart>();
        for (const start of found) {
          const key = `${start.fileName}${start.offset}${start.tag}`;
          expect(restarts.add(start)).toBe(!known.has(key));
          if (!known.has(key)) known.set(key, start);
        }
        const inOrder = [...known.values()].sort((a, b) => (isBefore(a, b) ? -1 : 1));
        const first = inOrder.find(({ tag }) => tag === undefined);
        const isSuperseded = inOrder.some((start) => {
          const isInReach = start !== first || (start.step > 0 && start.fileName !== at.fileName);
          const isOther = start.tag !== undefined && start.tag !== 'x';
          return isInReach && !isOther && isBefore(at, start) && step >= start.step;
        });

        const endStep = endStepOf(restarts.endStepAt(at.fileName, at.offset), 'x');
        expect(endStep !== undefined && step >= endStep).toBe(isSuperseded);
      }),
      { numRuns: 2000 },
    );
  });
});

function isBefore(a: SessionStart, b: SessionStart): boolean {
  return a.fileName === b.fileName ? a.offset < b.offset : a.fileName < b.fileName;
}
