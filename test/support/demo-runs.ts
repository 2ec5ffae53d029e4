/** Writes the runs that the images of docs/ show: a small sweep, the same each time. */

import { SummaryWriter } from '../../src/summary-writer/summary-writer.js';
import { makeRun } from '../uploader/support/run-tree.js';

const MINUTE_MS = 60_000;
const STEPS = 60;
const TRIALS = [
  { name: 'resnet-lr0.1', lr: 0.1, width: 64, best: 0.91, status: 'succeeded' },
  { name: 'resnet-lr0.03', lr: 0.03, width: 64, best: 0.93, status: 'succeeded' },
  { name: 'resnet-wide', lr: 0.03, width: 128, best: 0.94, status: 'succeeded' },
  { name: 'resnet-lr1', lr: 1, width: 64, best: 0.3, status: 'failed' },
] as const;

/** Returns the names of the runs. They begin at fixed times before now, so that their ages stay the same. */
export async function writeDemoRuns(root: string): Promise<string[]> {
  for (const [index, { name, lr, width, best, status }] of TRIALS.entries()) {
    // Half a minute more, so that the age stays the same while the commands run.
    const startMs = Date.now() - (5 - index) * 60 * MINUTE_MS - MINUTE_MS / 2;
    const endMs = startMs + (38 + 3 * index) * MINUTE_MS;
    const toTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000+00:00');
    const accuracy = Array.from({ length: STEPS }, (_, step) => {
      const noise = (((index + 3) * 7919 + (step + 1) * 104_729) % 1000) / 20_000;
      return best * (1 - Math.exp(-(step + 1) / 12)) - noise * (1 - step / STEPS);
    });
    const loss = accuracy.map((each) => -Math.log(Math.max(0.05, each)) * 1.4);
    const uuid = ((index + 5) * 0x1d3f7a9c)
      .toString(16)
      .padStart(8, '0')
      .slice(0, 8)
      .padEnd(32, `4c7${index}e9b0`);
    const lines = [57, 58, 59].map((epoch) => `epoch ${epoch} accuracy ${accuracy[epoch]!.toFixed(4)}`);
    const directory = makeRun(
      root,
      {
        'run.plx.json': JSON.stringify({
          ...{ uuid, name, status, project: 'vision', tags: ['sweep'] },
          inputs: { lr, optimizer: 'adam', model: { depth: 18, width } },
          outputs: { accuracy: accuracy.at(-1), loss: loss.at(-1) },
          ...{ created_at: toTime(startMs), started_at: toTime(startMs), finished_at: toTime(endMs) },
          duration: (endMs - startMs) / 1000,
        }),
        'lineages.plx.json': JSON.stringify([
          { name: 'model', kind: 'model', path: 'outputs/model.onnx', summary: { size: 4_000_000 } },
          {
            ...{ name: '5f0c3b1e9a7d', kind: 'coderef' },
            summary: { commit: '5f0c3b1e9a7d', branch: 'main', is_dirty: false },
          },
        ]),
        'outputs/model.onnx': new Uint8Array(4_000_000),
        'outputs/env.json': JSON.stringify({
          ...{ hostname: 'gpu-3', node_version: '22.20.0', 'sys.argv': ['train.mjs', '--lr', String(lr)] },
          ...{ cpu_count: 16, memory_total_bytes: 64e9 },
        }),
        'plxlogs/logs.jsonl': lines
          .map((value, line) => JSON.stringify({ timestamp: toTime(endMs - (3 - line) * 40_000), value }))
          .map((line) => `\n${line}`)
          .join(''),
      },
      uuid,
    );
    const writer = new SummaryWriter(`${directory}/outputs/tensorboard`);
    for (let step = 0; step < STEPS; step++) {
      writer.addScalar('accuracy', accuracy[step]!, step);
      writer.addScalar('loss', loss[step]!, step);
    }
    await writer.close();
  }
  return TRIALS.map(({ name }) => name);
}
