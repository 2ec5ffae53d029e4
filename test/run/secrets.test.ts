/** Every call of `Run` that stores a text: a secret in it is in no file of the run. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Run } from '../../src/run/run.js';
import { RandomText } from '../capture/secret-samples.js';
import { createTempDir } from '../support/temp-dir.js';

type Call = (run: Run, text: string) => unknown;

/** The calls by name: the method, and what the text is. `text` contains a secret. */
const CALLS: Readonly<Record<string, Call>> = {
  'console: stdout': (_, text) => process.stdout.write(`${text}\n`),
  'console: stderr': (_, text) => process.stderr.write(`${text}\n`),
  'logInputs: a value': (run, text) => run.logInputs({ a: { b: [text] } }),
  'logInputs: a key': (run, text) => run.logInputs({ a: { [text]: 1 } }),
  'logOutputs: a value': (run, text) => run.logOutputs({ a: text }),
  'logMeta: a value': (run, text) => run.logMeta({ a: text }),
  'logTags: a tag': (run, text) => run.logTags([text]),
  'logTags: a list in a string': (run, text) => run.logTags(`a, ${text}`),
  'setName: the name': (run, text) => run.setName(text),
  'setDescription: the text': (run, text) => run.setDescription(text),
  'setReadme: the text': (run, text) => run.setReadme(text),
  'update: the name': (run, text) => run.update({ name: text }),
  'update: the texts': (run, text) => run.update({ description: text, readme: text, tags: [text] }),
  'update: the values': (run, text) =>
    run.update({ inputs: { a: text }, outputs: { a: text }, meta: { a: text } }),
  'logStatus: message and reason': (run, text) => run.logStatus('running', { message: text, reason: text }),
  'start: message': (run, text) => run.start({ message: text }),
  'logText: a text': (run, text) => run.logText('text', text),
  'logText: a table': (run, text) => run.logText('table', [['a', text]]),
  'logHtml: the HTML': (run, text) => run.logHtml('html', `<p>${text}</p>`),
  'logMetric: description and display name': (run, text) =>
    run.logMetric('metric', 1, { description: text, displayName: text }),
  'logHistogram: description': (run, text) => run.logHistogram('histogram', [1, 2], { description: text }),
  'logImage: description': (run, text) =>
    run.logImage('image', { width: 1, height: 1, channels: 1, pixels: new Uint8Array(1) } as never, {
      description: text,
    }),
  'logMesh: description': (run, text) =>
    run.logMesh('mesh', { vertices: [[0, 0, 0]] }, { description: text }),
  'logEmbedding: name': (run, text) => run.logEmbedding(text, { vectors: [[1]] }),
  'logTrace: name, inputs, metadata, error': (run, text) =>
    run.logTrace({ name: text, inputs: { a: text }, outputs: { a: text }, metadata: { a: text } } as never),
  'trace: inputs and error': (run, text) =>
    run
      .trace('span', { inputs: { a: text } } as never, () => Promise.reject(new Error(text)) as Promise<void>)
      .catch(() => undefined),
  'traced: arguments, result, metadata, error': async (run, text) => {
    await run.traced((given: string) => given, { name: `f ${text}`, metadata: { a: text } })(text);
    await run
      .traced(() => Promise.reject(new Error(text)))()
      .catch(() => undefined);
  },
  'logScore: name, label and explanation': (run, text) => {
    const span = run.startSpan('scored');
    span.addScore(text, 1, { label: text, explanation: text });
    span.end();
    run.logScore(span, text, 1, { label: text, explanation: text });
  },
  'alert: title and text': (run, text) => run.alert({ title: text, text }),
  'startSpan: name': (run, text) => run.startSpan(`span ${text}`).end(),
  'logArtifact: name and summary': (run, text) =>
    run.logArtifact(import.meta.filename, { name: text, summary: { a: text } }),
  'logArtifact: name of a version': (run, text) =>
    run.logArtifact(import.meta.filename, { name: text, step: 1 }),
  'logModel: name and summary': (run, text) =>
    run.logModel(import.meta.filename, { name: text, summary: { a: text }, step: 1 }),
  'logArtifactRef: URL': (run, text) => run.logArtifactRef(`https://h/?x=${text}`, 'file', { name: 'ref' }),
  'logFileRef: name and summary': (run, text) =>
    run.logFileRef(import.meta.filename, { name: text, summary: { a: text } }),
  'logDirRef: name': (run, text) => run.logDirRef(import.meta.dirname, { name: text, skipHash: true }),
  'logModelRef: summary': (run, text) => run.logModelRef('s3://b/m', { name: 'm', summary: { a: text } }),
  'logDataRef: name and path': (run, text) => run.logDataRef(text, { path: `s3://u:${text}@b/d` }),
  'logTensorboardRef: path': (run, text) => run.logTensorboardRef(`https://h/?x=${text}`, { name: 'tb' }),
  'logArtifactLineage: name, path, summary': (run, text) =>
    run.logArtifactLineage({ name: text, kind: 'file', path: text, summary: { a: text }, is_input: true }),
  'logEnv: a value': (run, text) => run.logEnv({ a: text }, { relPath: 'other.json' }),
  'logCodeRef: a value': (run, text) => run.logCodeRef({ commit: 'abc', url: text }),
  'logSucceeded: message and reason': (run, text) => run.logSucceeded({ message: text, reason: text }),
};

/** Methods that store no text: numbers, pixels, and data that is stored unchanged (docs/tracking.md, "Secrets"). */
const WITHOUT_TEXT = new Set(
  (
    'log logMetrics logMetricSeries logImageWithBoxes logVideo logAudio logNpHistogram logRocAucCurve logPrCurve logCurve logConfusionMatrix ' +
    'logDataframe logGraph logOnnxGraph logLayersModel logCustomScalars logPlotlyChart logBokehChart logVegaChart logAltairChart logProgress traceStream end logStopped logFailed'
  ).split(' '),
);

describe('F86: the files of a run', () => {
  it('F86: contain no secret of any call or option', async () => {
    const random = new RandomText(3);
    const root = createTempDir();
    const secrets = Object.fromEntries(
      ['name', 'description', 'tags', ...Object.keys(CALLS)].map((each) => [
        each,
        `sk_live_${random.any(40)}`,
      ]),
    );
    const textOf = (each: string): string => `see ${secrets[each]} there`;
    const run = new Run({
      ...{ root, name: textOf('name'), description: textOf('description'), tags: [textOf('tags')] },
      ...{
        formats: ['polyaxon'],
        trackCode: false,
        trackEnv: false,
        collectResources: false,
        onWarning: () => undefined,
      },
    });

    // A later call may replace what an earlier one has stored.
    const contents: Buffer[] = [];
    for (const [each, call] of Object.entries(CALLS)) {
      await call(run, textOf(each));
      contents.push(readFileSync(join(run.paths.run, 'run.plx.json')));
    }
    await run.end();

    const files = readdirSync(root, { recursive: true, withFileTypes: true });
    for (const file of files)
      if (file.isFile()) contents.push(readFileSync(join(file.parentPath, file.name)));
    const names = files.map(({ name }) => name).join('\n');
    const found = Object.entries(secrets).filter(
      ([, secret]) => names.includes(secret) || contents.some((bytes) => bytes.includes(secret)),
    );
    expect(found.map(([each]) => each)).toEqual([]);
    // The searched files are complete.
    expect(contents.some((bytes) => bytes.includes('see *** there'))).toBe(true);
  });

  it('F86: covers every method that stores a text', () => {
    const covered = new Set(Object.keys(CALLS).map((name) => name.split(':')[0]!));
    const methods: string[] = [];
    for (let type = Run.prototype; type !== Object.prototype; type = Object.getPrototypeOf(type) as Run)
      methods.push(...Object.getOwnPropertyNames(type));
    const unknown = methods.filter(
      (name) =>
        /^(?:log|set|update|start|trace|end|alert)/.test(name) &&
        !covered.has(name) &&
        !WITHOUT_TEXT.has(name),
    );

    expect(unknown).toEqual([]);
  });
});
