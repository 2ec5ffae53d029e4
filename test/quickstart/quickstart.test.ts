/** Runs the built quickstart like a user, in an empty directory and a separate process. Needs `npm run build`. */

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readValues } from '../support/read-run.js';

const MAIN = join(dirname(fileURLToPath(import.meta.url)), '../../build/examples/quickstart/main.js');

let directory: string;
let output: string;
let uuid: string;

/** Returns the SHA-256 of every file below a directory, by path. Does not follow links. */
function hashTree(root: string): Record<string, string> {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const hashes = files.map((entry) => {
    const path = join(entry.parentPath, entry.name);
    return [relative(root, path), createHash('sha256').update(readFileSync(path)).digest('hex')] as const;
  });
  return Object.fromEntries(hashes);
}

function readJson(...path: string[]): Record<string, unknown> {
  return JSON.parse(readFileSync(join(directory, 'plx-runs/runs', uuid, ...path), 'utf8'));
}

beforeAll(async () => {
  expect(existsSync(MAIN), `${MAIN} exists after npm run build`).toBe(true);
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'polytrack-quickstart-')));
  // Rejects if the exit code is not 0.
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [MAIN], {
    cwd: directory,
    env: {
      ...process.env,
      XDG_STATE_HOME: join(directory, 'state'),
      XDG_CONFIG_HOME: join(directory, 'config'),
    },
  });
  expect(stderr).toBe('');
  output = stdout;
  uuid = readdirSync(join(directory, 'plx-runs/runs'))[0]!;
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe('quickstart', () => {
  it('writes one run with record, lineage, event file and model', () => {
    const paths = Object.keys(hashTree(join(directory, 'plx-runs'))).map((path) =>
      path.replace(uuid, '<uuid>'),
    );

    expect(readdirSync(join(directory, 'plx-runs/runs'))).toEqual([uuid]);
    expect(paths.filter((path) => !/\/git\.diff$/.test(path)).toSorted()).toEqual([
      'runs/<uuid>/.plx/end-main.json',
      'runs/<uuid>/.plx/formats-main.json',
      'runs/<uuid>/.plx/heartbeat-main.json',
      'runs/<uuid>/lineages.plx.json',
      'runs/<uuid>/outputs/env.json',
      'runs/<uuid>/outputs/model/model.json',
      expect.stringMatching(/^runs\/<uuid>\/outputs\/tensorboard\/events\.out\.tfevents\.\d{10}\./),
      'runs/<uuid>/run.plx.json',
      expect.stringMatching(/^runs\/<uuid>\/system\/tensorboard\/system\.out\.plxevents\.\d{10}\./),
    ]);
  });

  it('creates a link to the run by name for TensorBoard', () => {
    const link = join(directory, 'plx-runs-tensorboard', `digits-${uuid.slice(0, 8)}`);

    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(realpathSync(link)).toBe(join(directory, 'plx-runs/runs', uuid, 'outputs/tensorboard'));
  });

  it('trains a network that recognises more than 90 % of unseen digits', () => {
    const { status, outputs, inputs, tags } = readJson('run.plx.json');

    expect(status).toBe('succeeded');
    expect(outputs).toMatchObject({ accuracy: expect.any(Number), loss: expect.any(Number) });
    expect((outputs as { accuracy: number }).accuracy).toBeGreaterThan(0.9);
    expect(inputs).toMatchObject({ epochs: 30, learningRate: 0.003, testPictures: 359 });
    expect(tags).toContain('digits');
  });

  it('logs scalars, histograms, images, audio and text', () => {
    const values = readValues(join(directory, 'plx-runs/runs', uuid, 'outputs/tensorboard'));
    const points = new Map<string, number>();
    const plugins = new Map<string, string>();
    for (const { tag, metadata } of values) {
      const series = tag.replace(/^misclassified\/.*/, 'misclassified');
      points.set(series, (points.get(series) ?? 0) + 1);
      if (metadata !== undefined) plugins.set(series, metadata.pluginName);
    }

    expect(Object.fromEntries(points)).toEqual({
      'batch/loss': 30 * 45,
      'batch/accuracy': 30 * 45,
      'train/loss': 30,
      'train/accuracy': 30,
      'test/loss': 30,
      'test/accuracy': 30,
      'weights/layer-1': 30,
      'weights/layer-2': 30,
      'biases/layer-1': 30,
      'biases/layer-2': 30,
      'confusion matrix': 6,
      'polyaxon/confusion/confusion matrix': 6,
      'precision and recall': 6,
      'loss curve': 1,
      misclassified: expect.any(Number),
      '_hparams_/session_start_info': 1,
      '_hparams_/session_end_info': 1,
      'accuracy (output)': 1,
      'loss (output)': 1,
    });
    expect(plugins.get('test/loss')).toBe('scalars');
    expect(plugins.get('weights/layer-1')).toBe('histograms');
    expect(plugins.get('confusion matrix')).toBe('images');
    expect(plugins.get('loss curve')).toBe('audio');
    expect(plugins.get('precision and recall')).toBe('text');
  });

  it('saves all layers of the network', () => {
    const { layers } = readJson('outputs/model/model.json') as {
      layers: { inputs: number; outputs: number; weights: number[] }[];
    };

    expect(layers.map((layer) => [layer.inputs, layer.outputs])).toEqual([
      [64, 32],
      [32, 10],
    ]);
    expect(layers.map((layer) => layer.weights.length)).toEqual([64 * 32, 32 * 10]);
    expect(layers.flatMap((layer) => layer.weights).every(Number.isFinite)).toBe(true);
  });

  it('uploads every file of the run unchanged', () => {
    const found = Object.entries(hashTree(join(directory, 'plx-runs/runs')));
    // Files that processes use to communicate stay on this machine.
    const ofRuns = ([path]: [string, string]): boolean => !/(?:^|\/)\.plx\//.test(path);
    const runs = Object.fromEntries(found.filter(ofRuns));

    // In the store, `.plx/` contains the manifest.
    const stored = Object.entries(hashTree(join(directory, 'plx-store')));
    expect(Object.fromEntries(stored.filter(ofRuns))).toEqual(runs);
    expect(output).toContain(`Synced ${Object.keys(runs).length} files`);
  });

  it('prints where the files are and how to view them', () => {
    expect(output).toContain(`plx-runs/runs/${uuid}`);
    expect(output).toContain(`plx-store/${uuid}`);
    expect(output).toContain('tensorboard --logdir plx-runs-tensorboard');
    expect(output).toContain(
      `npx polytrack sync plx-runs --store ${pathToFileURL(directory).href}/plx-store`,
    );
  });
});
