/** Checks the steps of the recipes in CONTRIBUTING.md. The lists of kinds, methods, stores and commands come from the code. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decodeValue } from '../../src/format/reader/plugin-value.js';
import { decodeEvent } from '../../src/format/wire/decode-event.js';
import { Run, SummaryWriter } from '../../src/index.js';
import { StoreUrlError } from '../../uploader/base/errors.js';
import { nodeIo } from '../../uploader/base/io/io.js';
import { createProgram } from '../../uploader/commands/program.js';
import { applyCall } from '../polyaxon/calls.js';
import { EXPECTED_EVENTS } from '../polyaxon/expected-events.js';
import { createCalls } from '../polyaxon/log-all.js';
import { NO_TERMINAL } from '../support/no-terminal.js';

const REPOSITORY = join(import.meta.dirname, '../..');

function read(path: string): string {
  return readFileSync(join(REPOSITORY, path), 'utf8');
}

function listFiles(folder: string): string[] {
  return readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
    join(folder, name).replaceAll('\\', '/'),
  );
}

function matchesOf(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].sort();
}

/** Rows of tables and list items, which document methods and commands. */
function readRows(...paths: string[]): string[] {
  return paths.flatMap((path) =>
    read(path)
      .split('\n')
      .filter((line) => /^(?:\||- |\* )/.test(line)),
  );
}

/** The methods of a class and its bases whose names match. */
function methodsOf(type: { readonly prototype: object }, pattern: RegExp): string[] {
  const names = new Set<string>();
  for (let found: object = type.prototype; found !== Object.prototype; found = Object.getPrototypeOf(found))
    for (const name of Object.getOwnPropertyNames(found)) if (pattern.test(name)) names.add(name);
  return [...names].sort();
}

const testFiles = listFiles('test').filter((path) => path.endsWith('.test.ts'));

describe('CONTRIBUTING.md', () => {
  const text = read('CONTRIBUTING.md');

  it('names only paths that exist', () => {
    const inCode = matchesOf(text.replaceAll(/```.*?```/gs, ''), /`([^`\n]+)`/g).filter((code) =>
      /^(?:(?:\.ci|bench|deploy|docs|examples|fixtures|proto|scripts|src|test|uploader)\/[^\s]*|[\w-]+\.(?:json|md))$/.test(
        code,
      ),
    );
    // Only the folder exists for `src/summary/<kind>.ts`.
    const paths = [...inCode, ...matchesOf(text, /\]\(([^)#:]+)/g)].map((path) =>
      path.replace(/[^/]*<.*/, ''),
    );

    expect(inCode.length).toBeGreaterThan(40);
    expect(paths.filter((path) => !existsSync(join(REPOSITORY, path)))).toEqual([]);
  });

  it('names only scripts that package.json has', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = matchesOf(text, /\bnpm run ([\w-]+)/g);

    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe('a kind of summary', () => {
  const plugins = matchesOf(read('src/summary/plugin-data.ts'), /^ {2}(\w+): \{ dataClass/gm);
  const golden = (JSON.parse(read('fixtures/golden/events.json')) as { eventHex: string }[])
    .map(({ eventHex }) => decodeEvent(Buffer.from(eventHex, 'hex')).what)
    .flatMap((what) => (what.kind === 'summary' ? what.values : []));

  it('is found', () => {
    expect(plugins).toContain('histograms');
  });

  it.each(plugins)('%s: has golden bytes, which the reader decodes to a kind', (plugin) => {
    const values = golden.filter(
      ({ metadata, value }) => metadata?.pluginName === plugin && value?.kind === 'tensor',
    );
    const kinds = new Set(values.map((value) => decodeValue(value).kind));

    expect(values.length, 'cases in fixtures/golden/events.json').toBeGreaterThan(0);
    expect([...kinds], 'cases in src/format/reader/plugin-value.ts').not.toContain('tensor');
  });

  it('has a builder that test/summary/golden.test.ts calls', () => {
    const builders = listFiles('src/summary').filter(
      (path) => path.endsWith('.ts') && /\bcreateMetadata\(\s*'/.test(read(path)),
    );
    const test = read('test/summary/golden.test.ts');

    expect(builders.length).toBeGreaterThan(5);
    expect(builders.filter((path) => !test.includes(`../${path.replace(/\.ts$/, '.js')}'`))).toEqual([]);
  });

  it('has expected events in test/polyaxon/expected-events.ts if it is a kind of Polyaxon', () => {
    const kinds = matchesOf(read('src/event-log/event-log.ts'), /#kindEvent\(\s*name,\s*'(\w+)'/g);
    const expected = new Set(Object.keys(EXPECTED_EVENTS).map((key) => key.split('/')[0]));

    expect(kinds).toContain('confusion');
    expect(kinds.filter((kind) => !expected.has(kind))).toEqual([]);
  });
});

describe('a method', () => {
  const tests = testFiles.map(read);
  const ofRun = methodsOf(Run, /^log[A-Z]/);
  const ofWriter = methodsOf(SummaryWriter, /^add[A-Z]/);

  it('is found', () => {
    expect(ofRun).toContain('logHistogram');
    expect(ofWriter).toContain('addHistogram');
  });

  it.each(ofRun)('%s of Run has a row in docs/tracking.md', (name) => {
    const rows = readRows('docs/tracking.md');

    expect(rows.filter((row) => new RegExp(`\`(?:await )?${name}\\b`).test(row))).not.toEqual([]);
  });

  it.each(ofWriter)('%s of SummaryWriter has a row in docs/tensorboard.md', (name) => {
    const rows = readRows('docs/tensorboard.md');

    expect(rows.filter((row) => row.startsWith(`| \`${name}(`))).toHaveLength(1);
  });

  it.each([...ofRun, ...ofWriter])('%s has a test', (name) => {
    expect(tests.some((text) => text.includes(`.${name}(`) || text.includes(`'${name}'`))).toBe(true);
  });

  it('of Run is in test/polyaxon/all-calls.ts if it logs an event that Python can log', async () => {
    const called = new Set<string>();
    const recorder = new Proxy({} as Run, { get: (_, name) => () => void called.add(String(name)) });
    for (const call of createCalls()) await applyCall(recorder, call);
    const ofPython = matchesOf(read('docs/python-parity.md'), /^\| `log_\w+` \| `(?:await )?(\w+)/gm);
    const methods = [...read('src/run/run.ts').matchAll(/^ {2}(\w+)[(<][\s\S]*?^ {2}\}/gm)];
    const events = methods
      .filter(([body]) => /context\.events\.|\blogTrace\(this/.test(body))
      .map(([, name]) => name);
    const ofBoth = ofPython.filter((name) => events.includes(name));

    expect(ofBoth).toContain('logHistogram');
    expect(ofBoth.filter((name) => !called.has(name))).toEqual([]);
  });
});

describe('a store', () => {
  const source = read('uploader/store/open-store.ts');
  const parse = /export function parseStoreUrl.*?^}/ms.exec(source)?.[0] ?? '';
  const open = /export async function openStore.*?^}/ms.exec(source)?.[0] ?? '';
  const schemes = matchesOf(parse, /=== '(\w+)'/g);

  /** The folder of a store, from the import of the function that opens it. The last statement opens the remaining scheme. */
  function folderOf(scheme: string): string | undefined {
    const branches = [
      ...open.matchAll(/(?:scheme === '(\w+)'\)\s*)?return (?:open|create)(\w+)Store\(/g),
    ].map(([, named, name]) => ({ named, name }));
    const branch = branches.find(({ named }) => named === scheme) ?? branches.at(-1);
    return new RegExp(`\\b(?:open|create)${branch?.name}Store\\b[^;]*from '\\./(\\w+)/`).exec(source)?.[1];
  }

  it('is found', () => {
    expect(schemes).toContain('s3');
    expect(new Set(schemes.map(folderOf)).size).toBe(schemes.length);
  });

  it.each(schemes)('%s: has a folder, and a test that calls the contract suite', (scheme) => {
    const folder = folderOf(scheme) ?? 'no folder';
    const tests = testFiles.filter((path) => path.startsWith(`test/uploader/store/${folder}/`));

    expect(existsSync(join(REPOSITORY, 'uploader/store', folder)), folder).toBe(true);
    expect(
      tests.some((path) => /^ *describeStore\(/m.test(read(path))),
      `tests of ${folder}`,
    ).toBe(true);
  });

  it.each(schemes)('%s: has a section in docs/stores.md and a row in README.md', (scheme) => {
    const row = readRows('docs/stores.md').find((line) => line.startsWith(`| \`${scheme}://`)) ?? '';
    const section = /\]\(#([\w-]+)\)/.exec(row)?.[1];
    const headings = matchesOf(read('docs/stores.md'), /^## (.+)$/gm);

    expect(headings.map((heading) => heading.toLowerCase().replaceAll(' ', '-'))).toContain(section);
    expect(readRows('README.md').filter((line) => line.includes(` | \`${scheme}://`))).toHaveLength(1);
  });

  it.each(schemes)('%s: is in the hint for an invalid URL', (scheme) => {
    expect(new StoreUrlError('').hint).toContain(`${scheme}://`);
  });
});

describe('a command', () => {
  const program = createProgram(
    {
      environment: {},
      stdout: () => undefined,
      stderr: () => undefined,
      columns: () => undefined,
      signal: new AbortController().signal,
      io: nodeIo,
      setExitCode: () => undefined,
      terminal: NO_TERMINAL,
    },
    '0.0.0',
  );
  const names = program.commands.map((command) => command.name());

  it('is found', () => {
    expect(names).toContain('sync');
  });

  it.each(names)('%s: has a row in docs/uploader.md', (name) => {
    const rows = readRows('docs/uploader.md').filter((line) => line.startsWith('| `polytrack '));

    expect(rows.filter((row) => new RegExp(`\`(?:polytrack )?${name}[ \`]`).test(row))).not.toEqual([]);
  });

  it.each(names)('%s: has a test that runs it', (name) => {
    const tests = testFiles.filter((path) =>
      /cli\.js'|run-command\.js'|uploader-process|createProgram/.test(read(path)),
    );
    const call = new RegExp(`(?:[([]\\s*|'polytrack', |cli, )'${name}',`, 'i');

    expect(tests.some((path) => call.test(read(path)))).toBe(true);
  });
});
