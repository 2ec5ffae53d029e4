import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeWithPeers } from '../support/peers.js';
import { runPolyaxonPython } from '../support/polyaxon.js';

const repository = join(import.meta.dirname, '../..');

interface Row {
  readonly section: string;
  readonly python: string;
  readonly polytrack: string;
  readonly test: string;
}

function readRows(): Row[] {
  const rows: Row[] = [];
  let section = '';
  for (const line of readFileSync(join(repository, 'docs/python-parity.md'), 'utf8').split('\n')) {
    if (line.startsWith('## ')) section = line.slice(3);
    if (!line.startsWith('| ') || line.startsWith('| Python |')) continue;
    const [python = '', polytrack = '', test = ''] = line
      .slice(2, -2)
      .split(/(?<!\\) \| /)
      .map((cell) => cell.replaceAll('\\|', '|').trim());
    rows.push({ section, python: python.replaceAll('`', ''), polytrack, test });
  }
  return rows;
}

const rows = readRows();

/** The titles in a test file, as they stand there: in quotation marks of any kind, on the line of the call or a later one. */
const texts = new Map<string, string>();
function readTest(path: string): string {
  const known = texts.get(path);
  if (known !== undefined) return known;
  const text = readFileSync(join(repository, path), 'utf8').replaceAll("\\'", "'");
  texts.set(path, text);
  return text;
}

describe('docs/python-parity.md', () => {
  it('has no empty cell', () => {
    expect(rows.length).toBeGreaterThan(600);
    expect(rows.filter(({ python, polytrack, test }) => !python || !polytrack || !test)).toEqual([]);
  });

  it('points to tests that are there', () => {
    const missing = rows.filter(({ test }) => {
      const [path = '', title = ''] = test.split(' › ');
      if (title === '' || !existsSync(join(repository, path))) return true;
      return !['`', "'", '"'].some((quote) => readTest(path).includes(`${quote}${title}${quote}`));
    });

    expect(missing).toEqual([]);
  });
});

describeWithPeers(['polyaxon'], 'docs/python-parity.md and the installed package', () => {
  it('have the same methods, arguments and functions', async () => {
    const { stdout } = await runPolyaxonPython(join(import.meta.dirname, 'inspect_run.py'));
    const { methods, functions } = JSON.parse(stdout) as {
      methods: Record<string, string[]>;
      functions: string[];
    };

    const expected = [
      ...Object.entries(methods).flatMap(([name, args]) => [name, ...args.map((arg) => `${name}(${arg})`)]),
      ...functions.map((name) => `tracking.${name}`),
    ];

    const other = ['Environment variables', 'What Python gets wrong'];
    const listed = rows.filter(({ section }) => !other.includes(section)).map(({ python }) => python);
    expect(listed.filter((name) => name !== 'tracking.TRACKING_RUN').sort()).toEqual(expected.sort());
  });
});
