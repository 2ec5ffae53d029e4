/** A host whose clock is wrong: a real server gets times by its own clock. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.js';
import { nodeIo, sync } from '../../uploader/index.js';
import { describeWithPeers } from '../support/peers.js';
import type { PolyaxonServer } from '../support/polyaxon.js';
import { createTempDir } from '../support/temp-dir.js';
import { createRunSync, PROJECT, ServerRun, startServer } from '../uploader/polyaxon-sync/support.js';

const FAKETIME = '/usr/bin/faketime';
const DIST = fileURLToPath(new URL('../../dist', import.meta.url));
/** The `Date` header has whole seconds, and a busy machine answers late. The clocks of the tests are hours away. */
const TOLERANCE_S = 60;

interface Times {
  readonly created_at: string;
  readonly started_at: string;
  readonly finished_at: string;
  readonly duration: number;
}

const toSeconds = (time: string): number => Date.parse(time) / 1000;

describeWithPeers(['polyaxon'], 'a run of a host whose clock is wrong', () => {
  let server: PolyaxonServer;

  beforeAll(async () => {
    server = await startServer();
  });

  async function expectTimes(uuid: string, written: Times, nowS: number): Promise<void> {
    const served = new ServerRun(server, uuid);
    const found = (await served.run()) as unknown as Times;
    for (const time of [found.created_at, found.started_at, found.finished_at])
      expect(Math.abs(toSeconds(time) - nowS), time).toBeLessThan(60);
    const elapsed = toSeconds(found.finished_at) - toSeconds(found.started_at);
    expect(Math.abs(elapsed - written.duration)).toBeLessThan(TOLERANCE_S);
    expect(found.duration).toBe(written.duration);
    const conditions = (await served.conditions()) as unknown as {
      type: string;
      last_transition_time: string;
    }[];
    expect(conditions.map(({ type }) => type).filter((type) => type !== 'created')).toEqual([
      'running',
      'succeeded',
    ]);
    const times = conditions.map((each) => toSeconds(each.last_transition_time));
    expect(times).toEqual([...times].sort((a, b) => a - b));
    for (const time of times) expect(Math.abs(time - nowS)).toBeLessThan(60);
  }

  describe.each([
    ['ahead', 7_200],
    ['behind', -7_200],
  ])('%s of the server', (_, offsetS) => {
    const clock = Object.assign(Object.create(systemClock) as typeof systemClock, {
      wallTime: () => systemClock.wallTime() + offsetS,
      monotonicMs: () => systemClock.monotonicMs(),
      sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms, signal),
    });
    const io = { ...nodeIo, clock };

    it.each([
      ['was reported while it was active', true],
      ['had ended before it was reported', false],
    ])(
      'F96: has the times of the server, and is not changed by a second sync, if it %s',
      async (__, isActive) => {
        const target = createRunSync(() => server.url);
        const run = target.startRun({ clock });
        run.logMetric('loss', 1, { step: 0 });
        await run.flush();
        if (isActive) expect((await sync(await target.toConfig(), { io })).unsent).toEqual([]);
        await run.end();
        expect((await sync(await target.toConfig(), { io })).unsent).toEqual([]);
        const text = readFileSync(run.paths.runFile, 'utf8');
        const written = JSON.parse(text) as Times;
        expect(Math.abs(toSeconds(written.created_at) - offsetS - systemClock.wallTime())).toBeLessThan(60);
        await expectTimes(run.uuid, written, systemClock.wallTime());

        const served = new ServerRun(server, run.uuid);
        const before = await served.everything();
        rmSync(target.stateDirectory, { recursive: true });
        expect((await sync(await target.toConfig(), { io })).unsent).toEqual([]);
        expect(await served.everything()).toEqual(before);
        expect(readFileSync(run.paths.runFile, 'utf8')).toBe(text);
      },
    );

    const itWithFaketime = existsSync(FAKETIME) ? it : () => undefined;
    itWithFaketime('has the times of the server, with the clock of faketime', async () => {
      const root = createTempDir();
      const env = { ...process.env, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
      const fake = (...words: string[]): string => {
        const shift = `${offsetS > 0 ? '+' : ''}${offsetS}s`;
        return execFileSync(FAKETIME, ['-f', shift, process.execPath, ...words], { env, encoding: 'utf8' });
      };
      const program = `const { Run } = await import('${DIST}/src/index.js');
        const run = new Run({ root: ${JSON.stringify(root)}, trackCode: false, collectResources: false });
        run.logMetric('loss', 1, { step: 0 });
        await new Promise((resolve) => setTimeout(resolve, 1500));
        await run.end();
        console.log(run.paths.runFile);`;
      const runFile = fake('--input-type=module', '--eval', program).trim();
      const written = JSON.parse(readFileSync(runFile, 'utf8')) as Times & { uuid: string };
      const flags = ['--polyaxon', server.url, '--project', PROJECT, '--state-dir', createTempDir()];
      fake(`${DIST}/uploader/cli.js`, 'sync', root, ...flags);
      await expectTimes(written.uuid, written, systemClock.wallTime());
    });
  });
});
