import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { parseAst } from 'vite';

export const REPOSITORY = join(import.meta.dirname, '../..');

/** The hand-written source files and their texts. */
export const sources = readTexts('src', 'uploader');

export function readTexts(...folders: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    folders.flatMap((folder) =>
      readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => /\.(?:ts|mjs)$/.test(name) && !name.includes('generated'))
        .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
        .map((file) => [file, readFileSync(join(REPOSITORY, file), 'utf8')] as const),
    ),
  );
}

export function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|(?<![:'"`])\/\/.*/g, '');
}

/** The files whose code matches a pattern, sorted. */
export function filesWith(pattern: RegExp): string[] {
  return [...sources].filter(([, text]) => pattern.test(withoutComments(text))).map(([file]) => file);
}

export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [property: string]: unknown;
}

export interface Syntax {
  /** The text without types, to which `start` and `end` of the nodes refer. */
  readonly code: string;
  /** All nodes, each with those that contain it, innermost last. */
  readonly nodes: readonly (readonly [node: Node, parents: readonly Node[]])[];
}

export function parse(text: string): Syntax {
  const { code } = transformSync(text, { loader: 'ts', target: 'esnext' });
  const nodes: (readonly [Node, readonly Node[]])[] = [];
  const visit = (value: unknown, parents: readonly Node[]): void => {
    if (Array.isArray(value)) for (const each of value) visit(each, parents);
    else if (isNode(value)) {
      nodes.push([value, parents]);
      const inner = [...parents, value];
      for (const child of Object.values(value)) visit(child, inner);
    }
  };
  visit(parseAst(code), []);
  return { code, nodes };
}

/** The text of a node, on one line. */
export function textOf({ code }: Syntax, { start, end }: Node): string {
  return code.slice(start, end).replace(/\s+/g, ' ');
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value;
}
