/** Checks that functions keep the promise of the verb in their name (CONTRIBUTING.md, "Names"). */

import { describe, expect, it } from 'vitest';
import { readTexts, sources } from './sources.js';

/** The first line of a function, method or arrow function that is named `toX`. */
const HEADER =
  /^( *)(?:export |async |static |private |protected )*(?:function |const |(?!.*[;,]$))(#?to[A-Z]\w*)(?:<[^>]*>)?(?: = (?:async )?)?\(/;

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

  it.each([...sources])('%s: a toX never fails', (_, text) => {
    expect(findFailing(text)).toEqual([]);
  });
});

/** Names that mean two things. This list may only shrink: rename one of the two. */
const SHARED: Readonly<Record<string, readonly string[]>> = {
  'both names are exported by an entry point, or are those of its options': [
    'FoundRun',
    'ListOptions',
    'LogDirectory',
    'RunFiles',
    'RunSessionOptions',
    'RunSource',
    'TagState',
    'Upload',
  ],
  'two checks of the same word, of an option of `Run` and of a setting': ['parseFlag', 'parseProject'],
  'two models of the same thing, which must not import each other': ['TagSeries', 'ViewerName'],
  'two of the same purpose, for the API and for the disk': ['Part', 'isSettled', 'loadLibrary'],
  'private to stores': [
    'CREDENTIALS_HINT',
    'isAbsent',
    'isOtherObject',
    'isPassing',
    'toFailure',
    'toVersion',
  ],
};

/** Folders whose exported names are not checked for users yet. */
const UNCHECKED = /^(?:uploader\/(?:store|operations\/check)|src\/integrations)\//;

/** The files that export each name, by name. */
const exporters = new Map<string, string[]>();
for (const [file, text] of sources)
  for (const [, name = ''] of text.matchAll(
    /^export (?:declare |abstract |async )*(?:function\*?|class|const|let|interface|type|enum) (\w+)/gm,
  ))
    exporters.set(name, [...new Set([...(exporters.get(name) ?? []), file])]);

describe('an exported name', () => {
  it('is declared in one file only, except for a list', () => {
    const shared = [...exporters].filter(([, files]) => files.length > 1).map(([name]) => name);

    expect(exporters.size).toBeGreaterThan(1000);
    expect(shared.sort()).toEqual(Object.values(SHARED).flat().sort());
  });

  it('is used by another file', () => {
    const users = new Map<string, Set<string>>();
    for (const [file, text] of [...sources, ...readTexts('test', 'bench')])
      for (const [name] of text.matchAll(/\b[A-Za-z_]\w*\b/g))
        users.set(name, (users.get(name) ?? new Set()).add(file));
    const unused = [...exporters].flatMap(([name, files]) =>
      files
        .filter((file) => [...users.get(name)!].every((user) => user === file))
        .map((file) => `${file}: ${name}`),
    );

    expect(unused.filter((each) => !UNCHECKED.test(each))).toEqual([]);
  });
});
