import { describe, expect, it } from 'vitest';
import { EventFileWriter } from '../../../../src/format/index.js';
import { DataClass, DataType } from '../../../../src/format/wire/messages.js';
import { Run, SummaryWriter } from '../../../../src/index.js';
import { runCommand } from '../../../support/run-command.js';
import { createTempDir } from '../../../support/temp-dir.js';

const QUIET = { trackCode: false, trackEnv: false, trackLogs: false, collectResources: false };

async function inspectTag(path: string, tag: string): Promise<string> {
  const { code, stdout } = await runCommand(['inspect', path, '--tag', tag]);
  expect(code).toBe(0);
  return stdout;
}

describe('polytrack inspect --tag', () => {
  it('prints the content of each kind that only Polyaxon has', async () => {
    const root = createTempDir();
    const run = new Run({ root, name: 'kinds', ...QUIET });
    run.logHtml('page', '<b>html-word</b>', 1);
    run.logCurve('curve', { x: [0, 1], y: [0.125, 0.25], annotation: 'curve-word' }, 1);
    run.logConfusionMatrix(
      'confusion',
      {
        x: ['cat', 'dog'],
        y: ['cat', 'dog'],
        z: [
          [3, 1],
          [0, 42],
        ],
      },
      1,
    );
    run.logDataframe('frame', [{ word: 'cell' }], 1);
    run.logVegaChart('chart', { mark: 'mark-word', data: { values: [] } }, 1);
    await run.trace('outer', { inputs: { question: 'why-this-word' } }, () =>
      run.trace('inner', () => Promise.resolve('answer-word')),
    );
    await run.end();

    const shown: Record<string, string[]> = {
      'html/page': ['html-word'],
      'curve/curve': ['0.125', 'curve-word'],
      'confusion/confusion': ['dog', '42'],
      'dataframe/frame': ['csv file'],
      'chart/chart': ['mark-word'],
      'span/outer': ["name: 'outer'", 'why-this-word', "name: 'inner'", 'answer-word'],
    };
    for (const [tag, words] of Object.entries(shown)) {
      const text = await inspectTag(run.paths.tensorboard, `polyaxon/${tag}`);
      for (const word of words) expect(text).toContain(word);
    }
  });

  it("prints the content of each structured kind of TensorBoard's plugins", async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    writer.addText('text', `one\n\n${'long '.repeat(30)}text-word`, 1);
    writer.addText('table', [['cell-a', 'cell-b']], 1);
    writer.addPrCurve('pr', [0, 1], [0.25, 0.75], 1);
    writer.addMesh('mesh', { vertices: [[0, 0.125, 0]] }, 1);
    writer.addCustomScalars([
      { title: 'layout-word', charts: [{ title: 'chart-word', multiline: ['loss'] }] },
    ]);
    writer.addHparams({ hparam_word: 'value-word', ...manyHparams() }, { loss: 1 });
    await writer.close();

    const shown: Record<string, string[]> = {
      text: ['text-word'],
      table: ['cell-a', 'cell-b'],
      pr: ['precision', 'recall', 'truePositives'],
      mesh_VERTEX: ['0.125'],
      custom_scalars__config__: ['layout-word', 'chart-word'],
      '_hparams_/session_start_info': ['hparam_word', 'value-word', 'hparam29'],
    };
    for (const [tag, words] of Object.entries(shown)) {
      const text = await inspectTag(directory, tag);
      for (const word of words) expect(text).toContain(word);
    }
  });

  it('prints texts in tensors of other plugins, and the size of bytes that are no text', async () => {
    const directory = createTempDir();
    const writer = new EventFileWriter(directory);
    const strings = ['a plain text', '{"json":["word"]}', '\u001b[2Jhostile'].map((text) =>
      Buffer.from(text),
    );
    const tensor = { dtype: DataType.STRING, shape: [4], stringVal: [...strings, Uint8Array.of(0xff, 0xfe)] };
    const metadata = { pluginName: 'theirs', dataClass: DataClass.TENSOR };
    writer.writeEvent({
      wallTime: 1,
      step: 1,
      what: { kind: 'summary', values: [{ tag: 'notes', metadata, value: { kind: 'tensor', tensor } }] },
    });
    await writer.close();

    const text = await inspectTag(directory, 'notes');

    expect(text).toContain("'a plain text'");
    expect(text).toContain("json: [ 'word' ]");
    expect(text).toContain('sizeBytes: 2');
    expect(text).not.toContain('\u001b');
    const { stdout } = await runCommand(['inspect', directory, '--tag', 'notes', '--json']);
    expect(JSON.parse(stdout).runs[0].points[0].value.values).toEqual([
      'a plain text',
      { json: ['word'] },
      '\u001b[2Jhostile',
      { sizeBytes: 2 },
    ]);
  });

  it('says how much of a very long value it leaves out', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    writer.addText('long', 'x'.repeat(5_000), 1);
    writer.addMesh('mesh', { vertices: Array.from({ length: 100 }, (_, i) => [i, 0, 0]) }, 1);
    await writer.close();

    expect(await inspectTag(directory, 'long')).toContain('... 3000 more characters');
    expect(await inspectTag(directory, 'mesh_VERTEX')).toContain('... 200 more items');
  });
});

describe('polytrack inspect --shown --tag', () => {
  it('prints only this tag', async () => {
    const directory = createTempDir();
    const writer = new SummaryWriter(directory);
    for (const tag of ['loss', 'accuracy']) writer.addScalar(tag, 1, 0);
    await writer.close();

    const { stdout } = await runCommand(['inspect', directory, '--shown', '--tag', 'loss']);

    expect(stdout).toMatch(/^ {2}loss /m);
    expect(stdout).not.toContain('accuracy');
  });
});

describe('polytrack inspect: names that do not exist', () => {
  it.each([
    [['--tag', 'trian/loss'], 'ERR_CONFIG: --tag trian/loss: ', 'Did you mean "train/loss"?'],
    [['--tag', 'Loss'], 'ERR_CONFIG: --tag Loss: ', 'Did you mean "train/loss"?'],
    [['--tag', 'acuracy'], 'ERR_CONFIG: --tag acuracy: ', 'Did you mean "val/accuracy"?'],
    [
      ['--tag', '損失関数'],
      'ERR_CONFIG: --tag 損失関数: ',
      'The tags are "train/loss", "val/accuracy", "損".',
    ],
    [['--run', 'baselnie'], 'ERR_CONFIG: --run baselnie: ', 'Did you mean "baseline"?'],
    [['--shown', '--tag', 'trian/loss'], 'ERR_CONFIG: --tag trian/loss: ', 'Did you mean "train/loss"?'],
    [['--shown', '--run', 'baselnie'], 'ERR_CONFIG: --run baselnie: ', 'Did you mean "baseline"?'],
  ])('suggests similar ones: %s', async (args, message, hint) => {
    const directory = createTempDir();
    const writer = new SummaryWriter(`${directory}/baseline`);
    for (const tag of ['train/loss', 'val/accuracy', '損']) writer.addScalar(tag, 1, 0);
    await writer.close();

    const { code, stderr } = await runCommand(['inspect', directory, ...args]);

    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
  });
});

function manyHparams(): Record<string, number> {
  return Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`hparam${i}`, i]));
}
