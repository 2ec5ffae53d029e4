/** Graphs of models, as TensorBoard serves them. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SummaryWriter } from '../../src/index.js';
import { FIXTURES } from '../support/expected-runs.js';
import { describeWithPeers } from '../support/peers.js';
import { createTempDir } from '../support/temp-dir.js';
import { TensorBoard } from '../support/tensorboard.js';

/** For each run: how its graph is added, and nodes that must be served, with an input each. */
const GRAPHS: Record<
  string,
  { add: (writer: SummaryWriter) => void; nodes: [name: string, input: string][] }
> = {
  onnx: {
    add: (writer) => writer.addOnnxGraph(join(FIXTURES, 'onnx/perceptron.onnx')),
    nodes: [
      ['dense/gemm', 'dense/w'],
      ['indices', 'top:1'],
    ],
  },
  condition: {
    add: (writer) => writer.addOnnxGraph(readFileSync(join(FIXTURES, 'onnx/condition.onnx'))),
    nodes: [['if/then_branch/relu', 'x']],
  },
  tfjs: {
    add: (writer) => writer.addLayersModel(readFileSync(join(FIXTURES, 'tfjs/functional.json'), 'utf8')),
    nodes: [
      ['siamese/shared', 'siamese/right'],
      ['siamese/head/squeeze', 'siamese/joined'],
    ],
  },
};

describeWithPeers(['tensorboard'], 'TensorBoard serves the graphs of models', () => {
  it.each([true, false])('with load_fast %s', async (fast) => {
    const logdir = createTempDir();
    for (const [run, { add }] of Object.entries(GRAPHS)) {
      await using writer = new SummaryWriter(join(logdir, run));
      add(writer);
    }
    const board = await TensorBoard.start({ logdir, fast });

    for (const [run, { nodes }] of Object.entries(GRAPHS)) {
      await board.waitFor('plugin/graphs/info', {}, (info) => (run in (info as object) ? true : undefined));
      const text = Buffer.from(await board.getBytes('plugin/graphs/graph', { run })).toString();
      for (const [name, input] of nodes) {
        const node = text.split(/^node /m).find((part) => part.includes(`name: "${name}"`));
        expect(node, `${run}: ${name}`).toContain(`input: "${input}"`);
      }
    }
    expect(board.output()).not.toMatch(/warn|error|exception|traceback/i);
  });
});
