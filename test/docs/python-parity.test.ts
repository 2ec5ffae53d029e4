import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { polyaxonPeer } from '../../scripts/peers-directory.mjs';
import { Run, tracking } from '../../src/index.js';
import { PolyaxonClient, ProjectClient, RunClient } from '../../uploader/polyaxon.js';
import { describeWithPeers } from '../support/peers.js';
import { runPolyaxonPython } from '../support/polyaxon.js';
import { isThere } from '../support/test-titles.js';

const REPOSITORY = join(import.meta.dirname, '../..');
/** Sections whose rows are not names of the Python package. */
const OTHER_SECTIONS = [
  'Environment variables',
  '`RunClient` and `ProjectClient`',
  'What Python lacks',
  'What is new in Polyaxon 2.18',
  'What Python gets wrong',
];
const QUIRKS = 32;

interface Row {
  readonly section: string;
  readonly python: string;
  readonly polytrack: string;
  /** Each is `<path> › <title>`. */
  readonly tests: readonly string[];
}

function readRows(): Row[] {
  const rows: Row[] = [];
  let section = '';
  for (const line of read('docs/python-parity.md').split('\n')) {
    if (line.startsWith('## ')) section = line.slice(3);
    if (!line.startsWith('| ') || line.startsWith('| Python |')) continue;
    const cells = line.slice(2, -2).split(' | ');
    const [python = '', polytrack = '', test = ''] = cells.map((cell) => cell.replaceAll('\\|', '|').trim());
    expect(cells, line).toHaveLength(3);
    rows.push({ section, python: python.replaceAll('`', ''), polytrack, tests: test.split('<br>') });
  }
  return rows;
}

function read(path: string): string {
  return readFileSync(join(REPOSITORY, path), 'utf8');
}

const rows = readRows();
const named = rows.filter(({ section }) => !OTHER_SECTIONS.includes(section));
/** Rows of arguments that only the newest version has. */
const newest = rows.filter(({ section }) => section === 'What is new in Polyaxon 2.18');
/** Rows of methods, properties and functions; the others are rows of arguments. */
const callables = named.filter(({ python }) => !python.includes('('));

/** Rows of the members of the clients. */
const members = rows.filter(({ section }) => section === '`RunClient` and `ProjectClient`');
const client = new PolyaxonClient({ connection: { host: 'http://127.0.0.1:1' } as never });
const CLIENTS: Readonly<Record<string, object>> = {
  RunClient: new RunClient({ project: 'p', client }),
  ProjectClient: new ProjectClient({ project: 'p', client }),
};

function toCamelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

describe('docs/python-parity.md', () => {
  const run = new Run({ noOp: true });

  it('has no empty cell', () => {
    expect(rows.length).toBeGreaterThan(650);
    expect(rows.filter((row) => row.python === '' || row.polytrack === '' || row.tests.includes(''))).toEqual(
      [],
    );
  });

  it('names tests that exist', () => {
    const missing = rows.flatMap(({ python, tests }) =>
      tests.filter((test) => !isThere(test)).map((test) => `${python}: ${test}`),
    );

    expect(missing).toEqual([]);
  });

  it('says "none" only for methods that the clients lack', () => {
    const none = callables.filter(({ polytrack }) => polytrack.startsWith('none'));
    const there = none.filter(({ python }) => {
      const name = toCamelCase(python.replace('tracking.', ''));
      return name in run || name in tracking || name in CLIENTS.RunClient!;
    });

    expect(none.length).toBeGreaterThan(15);
    expect(there).toEqual([]);
  });

  it('names methods, properties and functions that exist', () => {
    const missing = callables.filter(({ python, polytrack }) => {
      if (polytrack.startsWith('none') || python === '__init__') return false;
      const [, owner, name = ''] = /^`(?:await )?(tracking|RunClient)?\.?(\w+)/.exec(polytrack) ?? [];
      return !(name in (owner === undefined ? run : owner === 'tracking' ? tracking : CLIENTS.RunClient!));
    });

    expect(missing).toEqual([]);
  });

  it('names members of the clients that exist, or "none" and a reason for those that do not', () => {
    const wrong = members.filter(({ python, polytrack }) => {
      const [owner = '', name = ''] = python.split('.');
      const target = CLIENTS[owner]!;
      if (polytrack.startsWith('none')) return !/^none: .{10}/.test(polytrack) || toCamelCase(name) in target;
      return !((/^`(\w+)/.exec(polytrack)?.[1] ?? '') in target);
    });

    expect(wrong).toEqual([]);
  });

  it('names functions that Python lacks by their names in polytrack', () => {
    const lacking = rows.filter(({ section }) => section === 'What Python lacks');
    const names = lacking.map(({ polytrack }) => /^`(\w+)/.exec(polytrack)?.[1] ?? '');

    expect(names).toEqual(['log', 'config', 'alert', 'metric', 'withRun', 'resume']);
    expect(names.slice(0, 4).filter((name) => !(name in run && name in tracking))).toEqual([]);
    expect('withRun' in tracking).toBe(true);
  });

  it('names options that exist', () => {
    const files = readdirSync(join(REPOSITORY, 'src'), { recursive: true, encoding: 'utf8' });
    const source = files
      .filter((name) => name.endsWith('.ts'))
      .map((name) => read(join('src', name)))
      .join('\n');
    const options = rows.flatMap(({ polytrack }) =>
      [...polytrack.matchAll(/`options\.(\w+)`/g)].map(([, name = '']) => name),
    );
    const ofRun = rows
      .filter(({ section, polytrack }) => section === 'Constructor' && !polytrack.startsWith('none'))
      .flatMap(({ polytrack }) => /^`(\w+)`/.exec(polytrack)?.[1] ?? []);

    expect(new Set(options).size).toBeGreaterThan(20);
    expect(options.filter((name) => !source.includes(`readonly ${name}?:`))).toEqual([]);
    expect(ofRun.filter((name) => !read('src/run/run-options.ts').includes(`readonly ${name}?:`))).toEqual(
      [],
    );
  });

  it('has a row for each known problem of Python', () => {
    const numbers = rows
      .filter(({ section }) => section === 'What Python gets wrong')
      .map(({ python }) => python.split(':')[0]);

    expect(numbers).toEqual(Array.from({ length: QUIRKS }, (_, i) => `Q${i + 1}`));
  });
});

describeWithPeers(['polyaxon'], 'docs/python-parity.md and the installed package', () => {
  it('list the same methods, arguments and functions', async () => {
    const { stdout } = await runPolyaxonPython(join(import.meta.dirname, 'inspect_run.py'));
    const { methods, functions, clients } = JSON.parse(stdout) as {
      methods: Record<string, string[]>;
      functions: string[];
      clients: Record<string, string[]>;
    };

    const expected = [
      ...Object.entries(methods).flatMap(([name, args]) => [name, ...args.map((arg) => `${name}(${arg})`)]),
      ...functions.map((name) => `tracking.${name}`),
    ];

    expect(expected.length).toBeGreaterThan(600);
    const listed = polyaxonPeer() === 'polyaxon-newest' ? [...named, ...newest] : named;
    expect(listed.map(({ python }) => python).sort()).toEqual(expected.sort());
    const ofClients = Object.entries(clients).flatMap(([owner, names]) =>
      names.map((name) => `${owner}.${name}`),
    );
    expect(members.map(({ python }) => python).sort()).toEqual(ofClients.sort());
    for (const owner of Object.keys(clients)) {
      const all = members.filter(({ python }) => python.startsWith(`${owner}.`));
      const none = all.filter(({ polytrack }) => polytrack.startsWith('none'));
      process.stdout.write(
        `${owner}: ${all.length} members in Python, ${none.length} without a counterpart\n`,
      );
    }
  });
});
