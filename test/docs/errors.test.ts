import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CodedError, type InvalidArgumentCode, InvalidArgumentError } from '../../src/index.js';
import { toErrorLines } from '../../uploader/commands/print-error.js';

const repository = join(import.meta.dirname, '../..');
/** Codes of Node.js. */
const FOREIGN = ['ERR_STREAM_PREMATURE_CLOSE', 'ERR_TLS_CERT_ALTNAME_INVALID'];

const page = readFileSync(join(repository, 'docs/errors.md'), 'utf8');

/** Returns the codes in the string literals of a folder. */
function codesIn(folder: string, pattern: RegExp): Set<string> {
  const files = readdirSync(join(repository, folder), { recursive: true, encoding: 'utf8' });
  const texts = files
    .filter((name) => name.endsWith('.ts') && !name.includes('generated'))
    .map((name) => readFileSync(join(repository, folder, name), 'utf8'));
  return new Set(
    texts
      .join('\n')
      .match(pattern)
      ?.filter((code) => !FOREIGN.includes(code)),
  );
}

function sectionOf(anchor: string): string | undefined {
  const sections = page.split(/^(?=#{2,3} )/m);
  return sections.find((each) => toAnchor(/^#+ (.*)$/m.exec(each)?.[1] ?? '') === anchor);
}

const toAnchor = (heading: string): string => heading.toLowerCase().replaceAll(' ', '-');

class AnyError extends CodedError {
  readonly hint = 'Try again.';
  constructor(readonly code: `ERR_${string}`) {
    super('something failed');
  }
}

const LISTED = [...(sectionOf('invalid-arguments')?.matchAll(/`(ERR_\w+)`/g) ?? [])].map(([, code]) => code!);
const HEADINGS = [...page.matchAll(/^### (ERR_\w+)$/gm)].map(([, code]) => code!);

describe('docs/errors.md', () => {
  it('has a section for exactly the codes of the source', () => {
    const literals = /(?<=['`])ERR_[A-Z0-9_]+(?=[':])/g;
    const codes = new Set([...codesIn('src', literals), ...codesIn('uploader', literals)]);
    // A count of `run.diagnostics`, not the code of an error.
    codes.delete('ERR_UNKNOWN');

    expect(codes.size).toBeGreaterThan(90);
    expect([...HEADINGS, ...LISTED].sort()).toEqual([...codes].sort());
  });

  it('lists exactly the warnings of the tracking library', () => {
    const listed = new Set(page.match(/(?<=`)WARN_[A-Z0-9_]+(?=`)/g));

    expect([...listed].sort()).toEqual([...codesIn('src', /(?<=')WARN_[A-Z0-9_]+(?=')/g)].sort());
  });

  it.each(HEADINGS)('%s: the last line that the command line prints is a link to its section', (code) => {
    const link = toErrorLines(new AnyError(code as `ERR_${string}`)).at(-1);
    const [, path, anchor = ''] = /^ {2}See https:\/\/unpkg\.com\/polytrack\/(.*)#(.*)$/.exec(link!)!;

    expect(path).toBe('docs/errors.md');
    expect(sectionOf(anchor)?.replace(/^.*\n/, '').trim()).toMatch(/\w.*\.$/s);
  });

  it.each(LISTED)('%s: the link leads to the section of invalid arguments', (code) => {
    const error = new InvalidArgumentError(code as InvalidArgumentCode, 'x is 1, expected 2', 'Pass 2.');

    expect(toErrorLines(error).at(-1)).toMatch(/docs\/errors\.md#invalid-arguments$/);
    expect(sectionOf('invalid-arguments')).toContain(`\`${code}\``);
  });

  it('has a section for an error without a code', () => {
    expect(toErrorLines(new Error('broken')).at(-1)).toMatch(/#err_unexpected$/);
    expect(sectionOf('err_unexpected')).toBeDefined();
  });
});
