import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { FakeClock } from '../../../support/fake-clock.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { EVENT_FILE, makeRun, writeFiles } from '../../support/run-tree.js';
import { createScanner } from '../../support/scan.js';

const OLD_RUNS = 30;
const QUIET_S = 1_200;

it('finds a new run within two seconds, even after a long time without changes or file-watcher events', async () => {
  const root = createTempDir();
  mkdirSync(join(root, 'experiments'));
  for (let index = 0; index < OLD_RUNS; index += 1)
    makeRun(root, { [EVENT_FILE]: 'events' }, `${index}`.padStart(32, 'a'));
  const clock = new FakeClock(Date.now() / 1000);
  const { scanner, sink } = createScanner(root, { clock });
  await scanner.scanAll();
  const births = [
    () => makeRun(root, { [EVENT_FILE]: 'events' }, 'b'.repeat(32)),
    () => writeFiles(join(root, 'experiments'), { 'deep/er/events.out.tfevents.1.host': 'events' }),
    () => makeRun(root, {}, 'c'.repeat(32)),
    () => writeFiles(root, { 'more/events.out.tfevents.1.host': 'events' }),
  ];
  for (const [index, give] of births.entries()) {
    for (let quietS = 0; quietS < QUIET_S; quietS += 5) {
      clock.seconds += 5;
      await scanner.scanDue();
    }
    expect(sink.runs).toHaveLength(OLD_RUNS + index);

    give();
    for (let check = 0; check < 6; check += 1) {
      clock.seconds += 0.25;
      await scanner.scanDue();
    }

    expect(sink.runs).toHaveLength(OLD_RUNS + index + 1);
  }
});
