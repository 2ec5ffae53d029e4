/**
 * Checks the exports of the package's entry points in their built declarations: only named exports, every type that the
 * declarations mention, and each name with a single meaning.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** The declaration file of each entry point in `exports` of package.json. */
const doors: ReadonlyMap<string, string> = readDoors();

interface Source {
  /** Undefined for the same file. */
  readonly from: string | undefined;
  readonly name: string;
}

/** The top-level statements of one declaration file. */
interface Declarations {
  readonly imports: ReadonlyMap<string, Source>;
  readonly exports: ReadonlyMap<string, Source>;
  /** The declarations, by name. */
  readonly texts: ReadonlyMap<string, { readonly text: string; readonly isExported: boolean }>;
  /** Statements that an entry point must not have. */
  readonly unnamed: readonly string[];
}

/** A name with the file that declares it: `dist/src/run/run.d.ts#Run`. A file that is exported as a namespace has the name `*`. */
type Place = `${string}#${string}`;

function readDoors(): Map<string, string> {
  const text = readFileSync(join(repository, 'package.json'), 'utf8');
  const { exports } = JSON.parse(text) as { exports: Record<string, { readonly types?: string }> };
  const found = Object.entries(exports).flatMap(([path, { types }]) =>
    types === undefined ? [] : [[`polytrack${path.slice(1)}`, join(repository, types)] as const],
  );
  return new Map(found);
}

const parsed = new Map<string, Declarations>();

function read(file: string): Declarations {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const declarations = parse(readFileSync(file, 'utf8'));
  parsed.set(file, declarations);
  return declarations;
}

/** The compiler starts each top-level statement in the first column, where otherwise only closing braces appear. */
function parse(text: string): Declarations {
  const imports = new Map<string, Source>();
  const exports = new Map<string, Source>();
  const texts = new Map<string, { text: string; isExported: boolean }>();
  const unnamed: string[] = [];
  for (const statement of withoutComments(text).split(/\n(?=[^\s}])/)) {
    const list = /^(import|export)\s+(?:type\s+)?\{([^}]*)\}(?:\s+from\s+'([^']+)')?/.exec(statement);
    const namespace = /^(import|export)\s+(?:type\s+)?\*\s+as\s+(\w+)\s+from\s+'([^']+)'/.exec(statement);
    const declared =
      /^(export\s+)?(?:declare\s+)?(?:abstract\s+)?(?:class|interface|type|function|const|enum)\s+(\w+)/.exec(
        statement,
      );
    if (list !== null) {
      const [, kind, names = '', from] = list;
      for (const [, name, alias] of names.matchAll(/(\w+)(?:\s+as\s+(\w+))?\s*(?:,|$)/g))
        (kind === 'import' ? imports : exports).set(alias ?? name!, { from, name: name! });
    } else if (namespace !== null) {
      const [, kind, name, from] = namespace;
      (kind === 'import' ? imports : exports).set(name!, { from, name: '*' });
    } else if (declared !== null) {
      const [, isExported, name] = declared;
      const earlier = texts.get(name!)?.text ?? '';
      texts.set(name!, { text: earlier + statement, isExported: isExported !== undefined });
    } else if (statement.trim() !== '') unnamed.push(statement);
  }
  return { imports, exports, texts, unnamed };
}

/** Removes comments, but not strings that contain something like a comment. */
function withoutComments(text: string): string {
  return text.replace(
    /('(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")|\/\*[\s\S]*?\*\/\s*|\/\/.*/g,
    (_, quoted) => quoted ?? '',
  );
}

/** The place where a name that is visible in `file` is declared; undefined for a name of another package or of Node.js. */
function locate(file: string, name: string): Place | undefined {
  const { imports, exports, texts } = read(file);
  if (texts.has(name)) return toPlace(file, name);
  const exported = exports.get(name);
  const source = exported?.from === undefined ? imports.get(exported?.name ?? name) : exported;
  if (source?.from === undefined) throw new Error(`${file} does not declare ${name}`);
  if (!source.from.startsWith('.')) return undefined;
  const target = resolve(dirname(file), source.from.replace(/\.js$/, '.d.ts'));
  return source.name === '*' ? toPlace(target, '*') : locate(target, source.name);
}

function toPlace(file: string, name: string): Place {
  return `${relative(repository, file)}#${name}`;
}

/** The exports of an entry point: each declaration, and its exported name. */
function exportsOf(door: string): Map<Place, string> {
  const names = [...read(door).exports.keys()];
  return new Map(names.map((name) => [locate(door, name)!, name]));
}

/**
 * The exported declarations that the public part of the declaration at `place` mentions. A base class or type that is private to a
 * file needs no export; the names that it mentions count instead, except for those in the constructor of a base class.
 */
function mentionsOf(place: Place, isBase = false, seen = new Set<Place>()): Set<Place> {
  const mentioned = new Set<Place>();
  if (seen.has(place)) return mentioned;
  seen.add(place);
  const [path = '', name = ''] = place.split('#');
  const file = join(repository, path);
  const { imports, texts } = read(file);
  const add = (places: Iterable<Place>): void => {
    for (const each of places) mentioned.add(each);
  };
  if (name === '*') {
    for (const each of texts.keys()) add(mentionsOf(toPlace(file, each), false, seen));
    return mentioned;
  }
  const text = publicPart(texts.get(name)!.text, isBase);
  const headEnd = /^(?:export )?(?:declare )?(?:abstract )?(?:class|interface)\b/.test(text)
    ? text.indexOf('{')
    : 0;
  for (const { 0: identifier, index } of text.matchAll(/(?<![.\w])[A-Z]\w*/g)) {
    if (identifier === name || (!imports.has(identifier) && !texts.has(identifier))) continue;
    const at = locate(file, identifier);
    if (at === undefined) continue;
    if (index < headEnd) add(mentionsOf(at, true, seen));
    else if (texts.get(identifier)?.isExported === false) add(mentionsOf(at, false, seen));
    else add([at]);
  }
  return mentioned;
}

/** Removes strings, non-public members, and constants after `typeof`, which are not types. */
function publicPart(text: string, isBase: boolean): string {
  const visible = text.replace(/'[^'\n]*'|"[^"\n]*"|\btypeof \w+|^ +(?:private|protected) [^;]*;/gm, '');
  return isBase ? visible.replace(/^ +constructor\([^;]*;/m, '') : visible;
}

describe.each([...doors])('%s', (door, file) => {
  it('has named exports only', () => {
    const { texts, unnamed } = read(file);

    // An integration is one file.
    if (!door.startsWith('polytrack/integrations/')) expect([...texts.keys()]).toEqual([]);
    // The module that provides `run.client` also declares its type (decision 0094).
    expect(unnamed.filter((each) => !each.includes('/provide-run-client.js'))).toEqual([]);
  });

  it('exports every type that its exports mention', () => {
    const exported = exportsOf(file);
    const missing = [...exported.keys()].flatMap((place) =>
      [...mentionsOf(place)]
        .filter((at) => !exported.has(at) && !exported.has(at.replace(/#.*/, '#*') as Place))
        .map((at) => `${at}, of ${exported.get(place)}`),
    );

    expect(missing).toEqual([]);
  });
});

describe('all entry points', () => {
  it('are exactly four, and those of the integrations', () => {
    expect([...doors.keys()]).toEqual([
      'polytrack',
      'polytrack/format',
      'polytrack/polyaxon',
      'polytrack/uploader',
      ...['openai', 'pino', 'tfjs', 'vitest'].map((name) => `polytrack/integrations/${name}`),
    ]);
  });

  it('use each name for a single declaration', () => {
    const meanings = new Map<string, Set<string>>();
    for (const file of doors.values())
      for (const [place, name] of exportsOf(file))
        meanings.set(name, (meanings.get(name) ?? new Set()).add(place));

    expect([...meanings].filter(([, places]) => places.size > 1)).toEqual([]);
  });
});

describe('polytrack/format', () => {
  it('does not mention Polyaxon', () => {
    const folder = join(repository, 'src/format');
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.[jt]s$/.test(name),
    );

    expect(files.filter((name) => /polyaxon/i.test(readFileSync(join(folder, name), 'utf8')))).toEqual([]);
  });
});
