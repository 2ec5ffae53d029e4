/** Creates a root of finished runs with names, parameters, metrics, environment, git and log. */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { SummaryWriter } from '../../../src/summary-writer/summary-writer.js';
import { makeRun } from './run-tree.js';

export interface NamedRunOptions {
  readonly uuid: string;
  readonly name: string;
  /** Hours since it was created. */
  readonly hoursAgo: number;
  readonly status?: string;
  readonly inputs?: object;
  readonly losses?: readonly number[];
  readonly version?: string;
  readonly commit?: string;
}

/** Creates a run; returns its directory. */
export async function makeNamedRun(root: string, options: NamedRunOptions): Promise<string> {
  const { uuid, name, hoursAgo, status = 'succeeded', inputs = {}, losses = [] } = options;
  const { version = '22.1.0', commit = 'a'.repeat(40) } = options;
  // Half a minute more, so that the age stays the same while a test runs.
  const createdMs = Date.now() - hoursAgo * 3_600_000 - 30_000;
  const toTime = (ms: number): string => new Date(createdMs + ms).toISOString().replace('Z', '000+00:00');
  const log = ['epoch 1', `損失 ${losses.at(-1)}`, 'done \u001b[2J'].map((value, index) =>
    JSON.stringify({ timestamp: toTime(index * 1000), value }),
  );
  const directory = makeRun(
    root,
    {
      'run.plx.json': JSON.stringify({
        ...{ uuid, name, status, inputs, project: 'vision' },
        created_at: toTime(0),
        started_at: toTime(1000),
        finished_at: toTime(126_000),
        duration: 125,
        outputs: losses.length === 0 ? {} : { train__loss: losses.at(-1), best: true },
      }),
      'lineages.plx.json': JSON.stringify([
        { name: 'model', kind: 'model', path: 'outputs/model.onnx', summary: { size: 12_345_678 } },
        {
          name: commit,
          kind: 'coderef',
          summary: { commit, branch: 'main', url: 'https://example.org/repo', is_dirty: false },
        },
      ]),
      'outputs/env.json': JSON.stringify({
        pid: Math.floor(Math.random() * 10_000),
        hostname: 'node-1',
        node_version: version,
        'sys.argv': ['train.mjs', '--lr', '0.1'],
        cpu_count: 8,
        memory_total_bytes: 32e9,
        packages: [['polytrack', '0.1.0']],
      }),
      'plxlogs/logs.jsonl': log.map((line) => `\n${line}`).join(''),
    },
    uuid,
  );
  mkdirSync(join(directory, 'outputs/tensorboard'), { recursive: true });
  const writer = new SummaryWriter(join(directory, 'outputs/tensorboard'));
  for (const [step, loss] of losses.entries()) writer.addScalar('train/loss', loss, step);
  await writer.close();
  return directory;
}

export const BASELINE = '3f2a01b7c9d84e5fa6b7c8d9e0f1a2b3';
export const WIDE = '3f2a9c44d5e64f70818293a4b5c6d7e8';
export const FAILED = 'c0de5a31f0e14d2c9b8a79685746352a';

/** Three runs: `baseline`, a name in Japanese, and a failed run with the name `baseline` too. */
export async function makeNamedRuns(root: string): Promise<void> {
  const model = { depth: 4, width: 128 };
  await makeNamedRun(root, {
    ...{ uuid: BASELINE, name: 'baseline', hoursAgo: 50 },
    inputs: { lr: 0.1, optimizer: 'adam', model },
    losses: Array.from({ length: 40 }, (_, step) => 2 / (step + 1)),
  });
  await makeNamedRun(root, {
    ...{ uuid: WIDE, name: '損失関数の実験', hoursAgo: 5, version: '24.0.0', commit: 'b'.repeat(40) },
    inputs: { lr: 0.01, optimizer: 'adam', model: { ...model, width: 1024 } },
    losses: [2, 1, Number.NaN, 0.123456789],
  });
  await makeNamedRun(root, {
    ...{ uuid: FAILED, name: 'baseline', hoursAgo: 3, status: 'failed' },
    inputs: { lr: 1, optimizer: 'sgd', model },
    losses: [2, 50],
  });
}
