/** Compares every import of `src/` and `uploader/` with the tree in ARCHITECTURE.md, which defines the allowed imports. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFolderTree } from './folder-tree.js';

const REPOSITORY = join(import.meta.dirname, '../..');
interface Import {
  readonly from: string;
  readonly to: string;
}

const tree = readFolderTree(REPOSITORY);
const rows = new Map(tree.map((row) => [row.path, row]));
const files = ['src', 'uploader'].flatMap((folder) =>
  readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
    .map((name) => join(folder, name).replaceAll('\\', '/')),
);
const imports: readonly Import[] = files.flatMap((from) => importsOf(from).map((to) => ({ from, to })));

/** All relative imports, exports and dynamic imports, including those of types. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(REPOSITORY, file), 'utf8');
  return [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*['"](\.[^'"]+)['"]/g)].map(([, specifier]) =>
    normalize(join(dirname(file), specifier!.replace(/\.js$/, '.ts'))).replaceAll('\\', '/'),
  );
}

/** The row of a file: its own if it is an entry point, otherwise that of its folder. */
function rowOf(file: string): string {
  return rows.has(file) ? file : dirname(file);
}

function covers(allowed: string, row: string): boolean {
  return allowed.endsWith('/') ? row === allowed.slice(0, -1) || row.startsWith(allowed) : row === allowed;
}

function isAllowed({ from, to }: Import): boolean {
  const [source, target] = [rowOf(from), rowOf(to)];
  if (source === target || target === `${source}/generated`) return true;
  return rows.get(source)?.imports.some((allowed) => covers(allowed, target)) ?? false;
}

function findCircle(edges: readonly Import[]): readonly string[] | null {
  const targets = new Map<string, Set<string>>();
  for (const { from, to } of edges)
    if (from !== to) targets.set(from, (targets.get(from) ?? new Set()).add(to));
  const done = new Set<string>();
  const visit = (node: string, path: readonly string[]): readonly string[] | null => {
    if (path.includes(node)) return [...path.slice(path.indexOf(node)), node];
    if (done.has(node)) return null;
    for (const next of targets.get(node) ?? []) {
      const circle = visit(next, [...path, node]);
      if (circle !== null) return circle;
    }
    done.add(node);
    return null;
  };
  for (const node of targets.keys()) {
    const circle = visit(node, []);
    if (circle !== null) return circle;
  }
  return null;
}

describe('ARCHITECTURE.md', () => {
  it('lists exactly the folders that contain code', () => {
    const folders = new Set(files.map((file) => rowOf(file)));
    const listed = tree.map(({ path }) => path);
    const parents = listed.filter((path) => listed.some((other) => other.startsWith(`${path}/`)));

    expect([...folders].filter((folder) => !rows.has(folder))).toEqual([]);
    expect(
      listed.filter((path) => !folders.has(path) && !parents.includes(path) && !path.endsWith('/generated')),
    ).toEqual([]);
  });

  it('lists only imports that exist', () => {
    const unused = tree.flatMap(({ path, imports: allowed }) =>
      allowed
        .filter((each) => !imports.some(({ from, to }) => rowOf(from) === path && covers(each, rowOf(to))))
        .map((each) => `${path} ← ${each}`),
    );

    expect(unused).toEqual([]);
  });
});

describe('imports', () => {
  it.each(files)('%s imports only what its folder is allowed to', (file) => {
    const forbidden = imports
      .filter((each) => each.from === file && !isAllowed(each))
      .map(({ from, to }) => `${from} → ${to}`);

    expect(forbidden).toEqual([]);
  });

  it('form no cycle of files', () => {
    expect(findCircle(imports)).toBeNull();
  });

  it('form no cycle of folders', () => {
    expect(findCircle(imports.map(({ from, to }) => ({ from: rowOf(from), to: rowOf(to) })))).toBeNull();
  });

  it('never go from src to uploader', () => {
    expect(imports.filter(({ from, to }) => from.startsWith('src/') && !to.startsWith('src/'))).toEqual([]);
  });

  it('finds a cycle', () => {
    const edges = [
      { from: 'a', to: 'b' },
      { from: 'b', to: 'c' },
      { from: 'c', to: 'a' },
    ];

    expect(findCircle(edges)).toEqual(['a', 'b', 'c', 'a']);
    expect(findCircle(edges.slice(0, 2))).toBeNull();
  });
});
