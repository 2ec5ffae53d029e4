/** `polytrack run` with Python programs that know nothing of polytrack, the real Polyaxon server and the real S3 server. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ServedRun, toRows } from '../polyaxon/served-run.js';
import { describeWithPeers, peerPath } from '../support/peers.js';
import { type PolyaxonServer, polyaxonEnv, startSandbox } from '../support/polyaxon.js';
import { readRunFile } from '../support/read-run.js';
import { S3Server } from '../support/s3-server.js';
import { createSharedTempDir } from '../support/temp-dir.js';
import { onlyRun, startTracked } from '../support/tracked-program.js';

const TRAIN = `
from tensorboardX import SummaryWriter
writer = SummaryWriter('runs/exp1')
print('training starts')
for step in range(5):
    writer.add_scalar('loss', 1 / (step + 1), step)
writer.close()
print('training ends')
`;
/** Uses Polyaxon's client, and then trains. */
const CLIENT = `
from polyaxon import tracking
tracking.init(name='ignored')
tracking.log_inputs(lr=0.1)
for step in range(3):
    tracking.log_metric('accuracy', step / 4, step=step)
tracking.log_outputs(classes=10)
print('path', tracking.get_artifacts_path())
`;
const UPLOAD_TIMEOUT = ['--upload-timeout', '600'];

describeWithPeers(['polyaxon', 's3', 'tensorboardx'], 'a tracked Python program', () => {
  let server: PolyaxonServer;

  beforeAll(async () => {
    server = await startSandbox();
  });

  function toServed(run: string): ServedRun {
    return new ServedRun(
      server,
      { owner: 'default', project: 'demo', uuid: run.slice(-32) },
      { force: true },
    );
  }

  describe('of tensorboardX', () => {
    const cwd = createSharedTempDir();
    let result: { code: number | string; stdout: string; stderr: string };

    beforeAll(async () => {
      writeFileSync(join(cwd, 'train.py'), TRAIN);
      const store = `polyaxon://${new URL(server.url).host}/default/demo`;
      const { ended, stdout, stderr } = startTracked(
        ['--store', store, '--create-project', ...UPLOAD_TIMEOUT, '--', peerPath('tensorboardx'), 'train.py'],
        { cwd, env: { POLYTRACK_ANNOUNCE: 'true' } },
      );
      result = { code: await ended, stdout: stdout(), stderr: stderr() };
    });

    it('ends as if it had run alone', () => {
      expect(result.code, result.stderr).toBe(0);
      expect(result.stdout).toBe('training starts\ntraining ends\n');
      expect(result.stderr).toContain('polytrack: run train: succeeded');
      expect(result.stderr).toContain('loss 0.2');
    });

    it('is a run on the server, with status, results and lineage', async () => {
      const served = toServed(onlyRun(cwd));
      expect(await server.get(served.api)).toMatchObject({
        name: 'train',
        status: 'succeeded',
        outputs: { loss: expect.closeTo(0.2) },
      });
      const { results } = (await server.get(`${served.api}/lineage/artifacts`)) as {
        results: { name: string; kind: string }[];
      };
      expect(results).toContainEqual(expect.objectContaining({ name: 'loss', kind: 'metric' }));
    });

    it('has its metrics and logs on the server', async () => {
      const served = toServed(onlyRun(cwd));
      const [loss] = await served.events('events/metric', { names: 'loss' });
      expect(toRows(loss!)).toMatchObject(
        [0, 1, 2, 3, 4].map((step) => ({ step, value: expect.closeTo(1 / (step + 1), 6) })),
      );
      const lines = (await served.logs()).map(({ value }) => value);
      expect(lines).toEqual(['training starts', 'training ends']);
    });
  });

  it('has its files in S3, and is reported to the server', async () => {
    const cwd = createSharedTempDir();
    const s3 = await S3Server.start();
    const bucket = await s3.bucket('runs');
    writeFileSync(join(cwd, 'train.py'), `${TRAIN}\nraise SystemExit(3)`);

    const { ended, stderr } = startTracked(
      [
        ...['--store', `s3://${bucket}/team`, '--endpoint', s3.endpoint, '--polyaxon', server.url],
        ...['--project', 'default/demo', '--create-project', ...UPLOAD_TIMEOUT],
        ...['--', peerPath('tensorboardx'), 'train.py'],
      ],
      { cwd, env: s3.env },
    );

    expect(await ended, stderr()).toBe(3);
    const run = onlyRun(cwd);
    expect(await server.get(toServed(run).api)).toMatchObject({ name: 'train', status: 'failed' });
    const stored = join(s3.dataDir, bucket, 'team', run.slice(-32));
    const written = readdirSync(join(run, 'outputs/tensorboard'));
    expect(written).toHaveLength(2);
    expect(readdirSync(join(stored, 'outputs/tensorboard')).sort()).toEqual(written.sort());
    for (const file of ['run.plx.json', 'plxlogs/logs.jsonl', `outputs/tensorboard/${written.sort()[1]}`])
      expect(readFileSync(join(stored, file)), file).toEqual(readFileSync(join(run, file)));
  });

  it('that uses Polyaxon’s client joins the run', async () => {
    const cwd = createSharedTempDir();
    writeFileSync(join(cwd, 'client.py'), CLIENT);
    writeFileSync(join(cwd, 'train.py'), TRAIN);
    const store = `polyaxon://${new URL(server.url).host}/default/demo`;
    const programs = `"${peerPath('polyaxon')}" client.py && "${peerPath('tensorboardx')}" train.py`;

    const { ended, stdout, stderr } = startTracked(
      ['--name', 'both', '--store', store, '--create-project', ...UPLOAD_TIMEOUT, '--', 'sh', '-c', programs],
      { cwd, env: { ...polyaxonEnv(cwd), POLYAXON_OFFLINE_ROOT: '' } },
    );

    expect(await ended, stderr()).toBe(0);
    const run = onlyRun(cwd);
    expect(stdout()).toContain(`path ${run}\n`);
    expect(readRunFile(run)).toMatchObject({ name: 'both', inputs: { lr: 0.1 } });
    const served = toServed(run);
    expect(await server.get(served.api)).toMatchObject({
      name: 'both',
      status: 'succeeded',
      inputs: { lr: 0.1 },
      outputs: { classes: 10, accuracy: 0.5, loss: expect.closeTo(0.2) },
    });
    for (const [name, count] of [
      ['accuracy', 3],
      ['loss', 5],
    ] as const) {
      const [events] = await served.events('events/metric', { names: name });
      expect(toRows(events!), name).toHaveLength(count);
    }
  });
});
