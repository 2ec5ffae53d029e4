/** F70: what a run measures does not depend on the clock of the host. */

import { afterEach, describe, expect, it } from 'vitest';
import { FakeClock } from '../support/fake-clock.js';
import { readRunFile } from '../support/read-run.js';
import { startRun } from '../support/start-run.js';
import { createTempDir } from '../support/temp-dir.js';

const UUID = 'd'.repeat(32);

/** A clock whose wall time jumps, while its monotonic time does not. */
class JumpingClock extends FakeClock {
  jump = 0;

  override wallTime(): number {
    return super.wallTime() + this.jump;
  }
}

const clock = new JumpingClock();
afterEach(() => {
  clock.jump = 0;
});

describe('the duration of a run', () => {
  it.each([0, -7200, -35_000_000, 7200])(
    'F70: is measured while the wall clock jumps by %d s',
    async (jump) => {
      const { run } = startRun({ clock });
      clock.seconds += 10;
      clock.jump = jump;
      clock.seconds += 20.5;
      await run.end();

      expect(readRunFile(run.paths.run)).toMatchObject({ duration: 30.5, wait_time: 0 });
    },
  );

  it.each([0, -7200])(
    'F70: of a resumed run has no trace of its first end, after a jump by %d s',
    async (jump) => {
      const root = createTempDir();
      const { run: first } = startRun({ root, uuid: UUID, clock });
      clock.seconds += 10;
      await first.end({ status: 'failed' });
      expect(readRunFile(first.paths.run).duration).toBe(10);

      clock.jump = jump;
      const { run: second } = startRun({ root, uuid: UUID, resume: true, clock });
      const resumed = readRunFile(first.paths.run);
      expect([resumed.finished_at, resumed.duration, resumed.status]).toEqual([
        undefined,
        undefined,
        'running',
      ]);
      clock.seconds += 5;
      await second.end();

      expect(readRunFile(first.paths.run).duration).toBe(jump === 0 ? 15 : 5);
    },
  );

  it('F70: is 0 for times that the program gives in the wrong order', async () => {
    const { run } = startRun({ clock });
    run.logStatus('succeeded', { wallTime: clock.wallTime() - 100 });
    await run.end();

    expect(readRunFile(run.paths.run).duration).toBe(0);
  });
});
