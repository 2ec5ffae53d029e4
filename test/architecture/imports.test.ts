/** Who may import whom: arrows point down or right only. The table is the one of ARCHITECTURE.md. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** For each part, the parts that it may import; the first pattern that fits a file names its part. */
const PARTS: readonly { readonly part: string; readonly pattern: RegExp; readonly may: readonly string[] }[] =
  [
    {
      part: 'src/base',
      pattern: /^src\/(errors|clock|layout|diagnostics|atomic-file|json-value|well-formed-text)\.ts$/,
      may: [],
    },
    { part: 'src/wire', pattern: /^src\/wire\//, may: ['src/base'] },
    { part: 'src/record', pattern: /^src\/record\//, may: ['src/base'] },
    { part: 'src/reader', pattern: /^src\/reader\//, may: ['src/base', 'src/wire', 'src/record'] },
    { part: 'src/polyaxon', pattern: /^src\/polyaxon\//, may: ['src/base', 'src/wire'] },
    { part: 'src/summary', pattern: /^src\/summary\//, may: ['src/base', 'src/wire', 'src/polyaxon'] },
    {
      part: 'src/projection',
      pattern: /^src\/projection\//,
      may: ['src/base', 'src/wire', 'src/record', 'src/reader', 'src/polyaxon'],
    },
    { part: 'src/capture', pattern: /^src\/capture\//, may: ['src/base'] },
    { part: 'src/lifecycle', pattern: /^src\/lifecycle\//, may: ['src/base'] },
    { part: 'src/trace', pattern: /^src\/trace\//, may: ['src/base', 'src/polyaxon'] },
    { part: 'src/projector', pattern: /^src\/projector\//, may: ['src/base', 'src/wire', 'src/summary'] },
    { part: 'src/event', pattern: /^src\/event\//, may: ['src/base', 'src/wire', 'src/record'] },
    {
      part: 'src/run',
      pattern: /^src\//,
      may: [
        'src/base',
        'src/wire',
        'src/record',
        'src/reader',
        'src/polyaxon',
        'src/summary',
        'src/projector',
        'src/event',
        'src/projection',
        'src/capture',
        'src/lifecycle',
        'src/trace',
      ],
    },
    {
      part: 'uploader/store',
      pattern: /^uploader\/store\//,
      may: ['src/base', 'src/record', 'uploader/base', 'uploader/polyaxon'],
    },
    {
      part: 'uploader/polyaxon',
      pattern: /^uploader\/polyaxon\//,
      may: ['src/base', 'src/polyaxon', 'uploader/base'],
    },
    {
      part: 'uploader/base',
      pattern: /^uploader\/(io\/|errors\.ts|retry\.ts|rel-path\.ts|lock\.ts)/,
      may: ['src/base'],
    },
    {
      part: 'uploader',
      pattern: /^uploader\//,
      may: [
        'src/base',
        'src/record',
        'src/wire',
        'src/reader',
        'src/polyaxon',
        'src/projection',
        'uploader/base',
        'uploader/polyaxon',
        'uploader/store',
      ],
    },
    { part: 'examples', pattern: /^examples\//, may: [] },
  ];

const files = ['src', 'uploader', 'examples'].flatMap((folder) =>
  readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name).replaceAll('\\', '/')),
);

function partOf(file: string) {
  const found = PARTS.find(({ pattern }) => pattern.test(file));
  if (found === undefined) throw new Error(`${file} belongs to no part: add it to the table`);
  return found;
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(repository, file), 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, specifier]) =>
    relative(repository, resolve(repository, dirname(file), specifier!.replace(/\.js$/, '.ts'))).replaceAll(
      '\\',
      '/',
    ),
  );
}

describe('imports', () => {
  it.each(files)('%s keeps to its part', (file) => {
    const { part, may } = partOf(file);

    const strangers = importsOf(file).filter((target) => {
      const targetPart = partOf(target).part;
      return targetPart !== part && !may.includes(targetPart);
    });

    expect(strangers).toEqual([]);
  });

  it('have no cycle in src or uploader', () => {
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file))
        throw new Error(`cycle: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`);
      if (done.has(file)) return;
      for (const target of importsOf(file)) if (files.includes(target)) visit(target, [...path, file]);
      done.add(file);
    };

    for (const file of files) visit(file, []);

    expect(done.size).toBe(files.length);
  });
});
