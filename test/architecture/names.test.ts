/** Checks that functions keep the promise of the verb in their name (CONTRIBUTING.md, "Names"). */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const REPOSITORY = join(import.meta.dirname, '../..');
/** The first line of a function, method or arrow function that is named `toX`. */
const HEADER =
  /^( *)(?:export |async |static |private |protected )*(?:function |const |(?!.*[;,]$))(#?to[A-Z]\w*)(?:<[^>]*>)?(?: = (?:async )?)?\(/;

const files = ['src', 'uploader'].flatMap((folder) =>
  readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
    .map((name) => `${folder}/${name}`),
);

/** The `toX` functions in a source text that can fail, because they throw or call a `parseX`. */
function findFailing(text: string): string[] {
  const lines = withoutComments(text).split('\n');
  return lines.flatMap((line, start) => {
    const [, indent = '', name = ''] = HEADER.exec(line) ?? [];
    if (name === '') return [];
    const length = lines
      .slice(start)
      .findIndex((each) => each === `${indent}}` || each === `${indent}};` || each.trim() === '');
    const body = lines.slice(start, length === -1 ? undefined : start + length).join('\n');
    return /\bthrow\b|(?<![\w.])parse[A-Z]\w*\(/.test(body) ? [name] : [];
  });
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '');
}

describe('names', () => {
  it('finds a toX that throws or parses', () => {
    const throws =
      'export function toPath(key: string): string {\n  if (key === "") throw new Error();\n  return key;\n}\n';
    const parses = 'class A {\n  #toRef(): Ref {\n    return parseRef(this.text);\n  }\n}\n';
    const converts = 'function toText(value: number): string {\n  return String(value); // never throws\n}\n';

    expect(findFailing(throws)).toEqual(['toPath']);
    expect(findFailing(parses)).toEqual(['#toRef']);
    expect(findFailing(converts)).toEqual([]);
  });

  it.each(files)('%s: a toX never fails', (file) => {
    expect(findFailing(readFileSync(join(REPOSITORY, file), 'utf8'))).toEqual([]);
  });
});
