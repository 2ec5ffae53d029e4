import { describe, expect, it } from 'vitest';
import type { JsonValue } from '../../../src/base/json-value.js';
import { toInputs } from '../../../src/polyaxon/export/hparam-inputs.js';
import type { ExportNotice } from '../../../src/polyaxon/export/series-index.js';

function convert(hparams: Record<string, JsonValue>, logDirectory = '') {
  const notices: ExportNotice[] = [];
  const session = { hparams } as unknown as Parameters<typeof toInputs>[0];
  const inputs = toInputs(session, logDirectory, (notice) => notices.push(notice));
  return { inputs: [...inputs], notices };
}

describe('toInputs', () => {
  it('has each hyperparameter by its name, and numbers that JSON lacks as texts', () => {
    const { inputs, notices } = convert({
      lr: 0.1,
      depth: 3,
      name: 'adam',
      on: true,
      rate: Number.NaN,
      most: Number.POSITIVE_INFINITY,
    });

    expect(inputs).toEqual([
      ...[
        ['lr', 0.1],
        ['depth', 3],
        ['name', 'adam'],
        ['on', true],
      ],
      ...[
        ['rate', 'NaN'],
        ['most', 'Infinity'],
      ],
    ]);
    expect(notices).toEqual([]);
  });

  it('gives another name to an input whose name is taken, or has no usable characters, and says why', () => {
    const { inputs, notices } = convert({ 'a b': 1, 'a-b': 2, '!!!': 3 });
    const names = inputs.map(([name]) => name);

    expect(inputs.map(([, value]) => value)).toEqual([1, 2, 3]);
    expect(new Set(names).size).toBe(3);
    expect(notices.map(({ code, kind, rawName, name }) => [code, kind, rawName, name])).toEqual([
      ['WARN_NAME_TAKEN', 'input', 'a-b', names[1]],
      ['WARN_NAME_GENERATED', 'input', '!!!', names[2]],
    ]);
    expect(notices.map(({ message }) => message)).toEqual([
      `input "a-b" is stored as ${names[1]} in Polyaxon: another input is called ${names[0]}`,
      `input "!!!" is stored as ${names[2]} in Polyaxon: it has no characters that Polyaxon allows`,
    ]);
  });
});
