/**
 * Checks that no call spreads a list of unknown length into its arguments: JavaScript puts arguments on the stack, which ends at about
 * 125,000 of them. Files, tags, runs and events are often more. Spreading into an array (`[...items]`) has no such limit.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { parseAst } from 'vite';
import { describe, expect, it } from 'vitest';

const REPOSITORY = join(import.meta.dirname, '../..');

/** Spreads whose length is limited by something else than the input. */
const ALLOWED: Readonly<Record<string, string>> = {
  'src/capture/secret-assignments.ts: Math.min(...ends)': 'two ends',
  // The arguments of a call have been on the stack already.
  'src/integrations/openai.ts: Reflect.apply(call, object, [body, ...rest])': 'arguments',
  'src/run/tracking.ts: Reflect.apply(traced, self, args)': 'arguments',
  'src/trace/traced-function.ts: Reflect.apply(target, self, args)': 'arguments',
  'uploader/run-directory/run-files.ts: joinNames(directory, ...each)': 'one or two names',
};

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [property: string]: unknown;
}

/** The calls of a source text that spread a list, except for a rest parameter, which has already been on the stack. */
function findSpreads(text: string): string[] {
  const { code } = transformSync(text, { loader: 'ts', target: 'esnext' });
  const found: string[] = [];
  const visit = (value: unknown, restNames: readonly string[]): void => {
    if (Array.isArray(value)) for (const each of value) visit(each, restNames);
    else if (isNode(value)) {
      const names = [...restNames, ...toRestNames(value)];
      const isUnbounded = toSpread(value).some(
        ({ type, name }) => type !== 'Identifier' || !names.includes(String(name)),
      );
      if (isUnbounded) found.push(code.slice(value.start, value.end).replace(/\s+/g, ' '));
      for (const child of Object.values(value)) visit(child, names);
    }
  };
  visit(parseAst(code), []);
  return found;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}

/** The lists that a call passes as arguments: `f(...list)`, `f.apply(this, list)`, `Reflect.apply(f, this, list)`. */
function toSpread(node: Node): Node[] {
  if (node.type !== 'CallExpression' && node.type !== 'NewExpression') return [];
  const given = node.arguments as Node[];
  const spread = given.filter(({ type }) => type === 'SpreadElement').map(({ argument }) => argument as Node);
  const callee = node.callee as Node;
  const property = callee.property as Node | undefined;
  if (property?.type !== 'Identifier' || property.name !== 'apply') return spread;
  const list = given[(callee.object as Node).name === 'Reflect' ? 2 : 1];
  return list === undefined ? spread : [...spread, list];
}

/** The name of the rest parameter, if the node is a function that has one. */
function toRestNames({ type, params }: Node): string[] {
  if (!/Function/.test(type)) return [];
  return (params as Node[])
    .filter((param) => param.type === 'RestElement')
    .map(({ argument }) => String((argument as Node).name));
}

const files = ['src', 'uploader'].flatMap((folder) =>
  readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => `${folder}/${name}`),
);
const spreads = files.flatMap((file) =>
  findSpreads(readFileSync(join(REPOSITORY, file), 'utf8')).map((call) => `${file}: ${call}`),
);

describe('calls', () => {
  it('are found if they spread a list, or apply one', () => {
    expect(findSpreads('Math.max(0, ...values)')).toEqual(['Math.max(0, ...values)']);
    expect(findSpreads('new Set(...values)')).toEqual(['new Set(...values)']);
    expect(findSpreads('f.apply(null, values)')).toEqual(['f.apply(null, values)']);
    expect(findSpreads('Reflect.apply(f, null, values)')).toEqual(['Reflect.apply(f, null, values)']);
    expect(findSpreads('const f = (...values) => g(...values)')).toEqual([]);
    expect(findSpreads('const all = [...values]; f(values)')).toEqual([]);
  });

  it('F84: spread no list of unknown length', () => {
    expect(spreads.filter((spread) => !Object.hasOwn(ALLOWED, spread))).toEqual([]);
  });

  it.each(Object.keys(ALLOWED))('still contain the allowed %s', (spread) => {
    expect(spreads).toContain(spread);
  });
});
