/** Syncs a run to a Polyaxon server before and after it is resumed from an earlier step: the server returns each step once. */

import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Run } from '../../../../src/index.js';
import { nodeIo } from '../../../../uploader/base/io/io.js';
import { sync } from '../../../../uploader/engine/sync.js';
import { resolveConfig } from '../../../../uploader/settings/sync-config.js';
import { ServedRun } from '../../../polyaxon/served-run.js';
import { describeWithPeers } from '../../../support/peers.js';
import { type PolyaxonServer, startSandbox } from '../../../support/polyaxon.js';
import { startRun } from '../../../support/start-run.js';
import { createSharedTempDir, createTempDir } from '../../../support/temp-dir.js';

const PIXEL = { height: 1, width: 1, channels: 1 } as const;

describeWithPeers(['polyaxon'], 'a Polyaxon server with a resumed run', () => {
  const directory = createSharedTempDir();
  let server: PolyaxonServer;
  beforeAll(async () => {
    server = await startSandbox(directory);
    await server.send('POST', '/api/v1/default/projects/create', { name: 'demo' });
  });
  afterAll(() => server.stop());

  function logStep(run: Run, step: number, life: number): void {
    run.logMetric('loss', life * 1000 + step, { step });
    run.logText('note', `${life} ${step}`, { step });
    run.logImage('photo', { ...PIXEL, pixels: new Uint8Array([life * 50 + step]) }, { step });
  }

  it.each([
    ['writer', ['tensorboard', 'polyaxon'], 'keeps its state'],
    ['uploader', ['tensorboard'], 'keeps its state'],
    ['uploader', ['tensorboard'], 'loses its state'],
  ] as const)(
    'returns each step once when the %s exports %j, and the uploader %s',
    async (_who, formats, state) => {
      const root = createTempDir();
      const states = [createTempDir(), createTempDir(), createTempDir()];
      const uuid = Buffer.from(`${formats.length}${state}`).toString('hex').padEnd(32, '0').slice(0, 32);
      const served = new ServedRun(server, { owner: 'default', project: 'demo', uuid }, { force: true });
      const eventsOf = async (kind: string, name: string) => {
        const [events] = await served.events(`events/${kind}`, { names: name });
        return { steps: events?.data.step, values: events?.data[kind] };
      };
      const life = async (number: number, fromStep: number | undefined, log: (run: Run) => void) => {
        const resume = fromStep === undefined ? false : { fromStep };
        const { run } = startRun({ root, uuid, formats, resume });
        log(run);
        await run.end();
        const stateDir = state === 'keeps its state' ? states[0]! : states[number]!;
        const flags = { store: `polyaxon+${server.url}/default/demo`, stateDir, exportEvents: true };
        const { config } = await resolveConfig(
          run.paths.run,
          flags,
          { HOME: createTempDir() },
          nodeIo.fileSystem,
        );
        expect(await sync(config)).toMatchObject({ isComplete: true });
      };

      await life(0, undefined, (run) => {
        for (let step = 0; step < 15; step += 1) logStep(run, step, 0);
        run.logMetric('late', 1, { step: 12 });
      });
      expect(await eventsOf('metric', 'late')).toEqual({ steps: [12], values: [1] });
      await life(1, 10, (run) => {
        for (let step = 10; step < 13; step += 1) logStep(run, step, 1);
      });
      expect(await eventsOf('metric', 'late')).toEqual({ steps: [], values: [] });
      await life(2, 12, (run) => {
        logStep(run, 12, 2);
        run.logMetric('late', 2, { step: 12 });
      });

      const steps = Array.from({ length: 13 }, (_, step) => step);
      const numbers = steps.map((step) => (step === 12 ? 2012 : step < 10 ? step : 1000 + step));
      expect(await eventsOf('metric', 'loss')).toEqual({ steps, values: numbers });
      expect(await eventsOf('metric', 'late')).toEqual({ steps: [12], values: [2] });
      const texts = steps.map((step) => `${step === 12 ? 2 : step < 10 ? 0 : 1} ${step}`);
      expect(await eventsOf('text', 'note')).toEqual({ steps, values: texts });
      const images = await eventsOf('image', 'photo');
      expect(images.steps).toEqual(steps);
      const paths = (images.values ?? []).map(
        (value) => (JSON.parse(String(value)) as { path: string }).path,
      );
      expect(paths).toEqual(steps.map((step) => `assets/image/photo_${step}.png`));
      const [image9, image12] = [await served.bytes(paths[9]!), await served.bytes(paths[12]!)];
      expect(image9.equals(image12)).toBe(false);
      const lineage = await server.get(`${served.api}/lineage/artifacts`);
      const { results } = lineage as { results: { name: string; summary: object }[] };
      expect(results.find(({ name }) => name === 'loss')?.summary).toMatchObject({
        step: { count: 13, min: 0, max: 12 },
        metric: { count: 13, max: 2012, last: 2012 },
      });
      expect(await served.files('.plx/gen')).toContainEqual([
        join('.plx/gen/events/metric/loss.plx/0'),
        expect.any(Number),
      ]);
    },
  );
});
