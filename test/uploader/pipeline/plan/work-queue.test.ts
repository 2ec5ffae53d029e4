import { describe, expect, it } from 'vitest';
import { FairShare, LANE_WEIGHTS, LANES, type Lane } from '../../../../uploader/base/limits/lanes.js';
import { toLane } from '../../../../uploader/pipeline/plan/lane-of.js';
import { type Work, WorkQueue } from '../../../../uploader/pipeline/plan/work-queue.js';

const MIB = 1024 * 1024;

function createQueue(works: readonly Partial<Work>[]): WorkQueue {
  const queue = new WorkQueue((id) => ({ run: 0, phase: 0, lane: 'small', bytes: 1, ...works[id] }));
  for (const id of works.keys()) queue.add(id);
  return queue;
}

function takeAll(queue: WorkQueue, lanes?: readonly Lane[]): number[] {
  const taken: number[] = [];
  for (let id = queue.take(lanes); id !== undefined; id = queue.take(lanes)) taken.push(id);
  return taken;
}

describe('WorkQueue', () => {
  it('holds back the lineage and run file until the other files of the same run are settled', () => {
    const queue = createQueue([{ phase: 2 }, { phase: 1 }, { phase: 0 }, { phase: 2, run: 1 }]);

    // The run file was ready before any other file of its run was known, and still waits for them.
    expect(takeAll(queue)).toEqual([2, 3]);
    queue.settle(2);
    expect(takeAll(queue)).toEqual([1]);
    queue.settle(1);
    expect(takeAll(queue)).toEqual([0]);
    queue.settle(0);
    queue.settle(3);
    expect(queue.size).toBe(0);
  });

  it('keeps holding back while a file that was added again is not settled', () => {
    const queue = createQueue([{ phase: 0 }, { phase: 2 }]);
    queue.take();
    queue.add(0);
    queue.settle(0);

    expect(takeAll(queue)).toEqual([0]);
    queue.settle(0);
    expect(takeAll(queue)).toEqual([1]);
  });

  describe('with a series', () => {
    const file = (name: string, id = 7): Partial<Work> => ({ lane: 'events', series: { id, name } });

    it('gives out its files one after the other, in the order of their names', () => {
      const queue = createQueue([file('c'), file('a'), file('d'), file('b')]);

      for (const next of [1, 3, 0, 2]) {
        expect(takeAll(queue)).toEqual([next]);
        queue.settle(next);
      }
      expect(queue.size).toBe(0);
    });

    it('gives out other files meanwhile', () => {
      const queue = createQueue([file('a'), file('b'), file('b', 8), { lane: 'events' }]);

      expect(takeAll(queue)).toEqual([0, 2, 3]);
    });

    it('gives out a file again that was added again while it was in progress, before later ones', () => {
      const queue = createQueue([file('a'), file('b')]);
      queue.take();
      queue.add(0);
      queue.settle(0);

      expect(takeAll(queue)).toEqual([0]);
      queue.settle(0);
      expect(takeAll(queue)).toEqual([1]);
    });

    it('returns the files that wait when it is drained, and none that is in progress', () => {
      const queue = createQueue([file('a'), file('b'), file('a', 8), file('b', 8)]);
      expect(queue.take()).toBe(0);

      expect(queue.drain().sort()).toEqual([1, 2, 3]);
      queue.settle(0);
      expect(queue.size).toBe(0);
      queue.add(3);
      expect(takeAll(queue)).toEqual([3]);
    });
  });

  it('knows in which lanes files are ready', () => {
    const queue = createQueue([{ lane: 'events' }, { lane: 'large', phase: 2 }]);

    expect(LANES.filter((lane) => queue.hasReady(lane))).toEqual(['events']);
    queue.take();
    expect(LANES.filter((lane) => queue.hasReady(lane))).toEqual([]);
    queue.settle(0);
    expect(LANES.filter((lane) => queue.hasReady(lane))).toEqual(['large']);
  });

  it('holds back the files of one run only', () => {
    const runs = [0, 1, 2, 3, 4, 5];
    for (const busy of runs) {
      const queue = createQueue([{ run: busy }, ...runs.map((run) => ({ run, phase: 1 }) as const)]);

      expect(takeAll(queue)).toEqual([0, ...runs.filter((run) => run !== busy).map((run) => run + 1)]);
      queue.settle(0);
      expect(takeAll(queue)).toEqual([busy + 1]);
      expect(queue.size).toBe(runs.length);
    }
  });

  it('returns all files when it is drained, including those held back', () => {
    const queue = createQueue([{ lane: 'events' }, { phase: 2 }, { lane: 'large' }]);

    expect(queue.drain().sort()).toEqual([0, 1, 2]);
    expect(queue.size).toBe(0);
    expect(queue.take()).toBeUndefined();
  });

  it('takes only from the given lanes', () => {
    const queue = createQueue([{ lane: 'large' }, { lane: 'events' }, { lane: 'logs' }]);

    expect(takeAll(queue, ['events', 'logs'])).toEqual([1, 2]);
    expect(takeAll(queue)).toEqual([0]);
  });

  it('takes an event file before the second large file, and a large file among many event files', () => {
    const queue = createQueue([
      ...Array.from({ length: 5 }, () => ({ lane: 'large', bytes: 500 * MIB }) as const),
      ...Array.from({ length: 5 }, () => ({ lane: 'events', bytes: 1000 }) as const),
    ]);

    expect(takeAll(queue)).toEqual([5, 0, 6, 7, 8, 9, 1, 2, 3, 4]);
  });
});

describe('FairShare', () => {
  it('divides the capacity by weight while all lanes have work, and gives all of it to a single lane', () => {
    const share = new FairShare();
    const given = new Map<Lane, number>();
    for (let turn = 0; turn < 10_000; turn += 1) {
      const lane = share.choose(LANES)!;
      share.charge(lane, 1000);
      given.set(lane, (given.get(lane) ?? 0) + 1000);
    }

    for (const lane of LANES)
      expect((given.get(lane)! / 10_000_000) * 100).toBeCloseTo(LANE_WEIGHTS[lane], 0);
    expect(share.choose(['large'])).toBe('large');
    expect(share.choose([])).toBeUndefined();
  });

  it('gives a lane no credit for the time it was idle', () => {
    const share = new FairShare();
    for (let turn = 0; turn < 1000; turn += 1) share.charge('large', 1000);

    const next = Array.from({ length: 14 }, () => {
      const lane = share.choose(['events', 'large'])!;
      share.charge(lane, 1000);
      return lane;
    });

    expect(next.filter((lane) => lane === 'large').length).toBeGreaterThan(0);
  });
});

describe('toLane', () => {
  it.each<[Parameters<typeof toLane>[0], number, Lane]>([
    ['event', 100 * MIB, 'events'],
    ['append', 1, 'events'],
    ['log', 100 * MIB, 'logs'],
    ['artifact', 16 * MIB, 'small'],
    ['artifact', 16 * MIB + 1, 'large'],
  ])('assigns a file of class %s with %d bytes to the lane %s', (fileClass, bytes, lane) => {
    expect(toLane(fileClass, bytes)).toBe(lane);
  });
});
