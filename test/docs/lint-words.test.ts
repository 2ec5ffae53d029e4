import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { findPhrases, RULES } from '../../scripts/lint-words.mjs';
import { createTempDir } from '../support/temp-dir.js';

const REPOSITORY = join(import.meta.dirname, '../..');
const SCRIPT = join(REPOSITORY, 'scripts/lint-words.mjs');

const samples = RULES.flatMap(({ sample }) => (sample === undefined ? [] : [sample]));
const names = RULES.flatMap(({ name }) => (name === undefined ? [] : [name]));
const [sample = ''] = samples;

describe('findPhrases', () => {
  it('has a sample of each rule', () => {
    for (const { pattern, code, sample, name } of RULES) {
      expect([pattern === undefined, code === undefined]).toEqual([sample === undefined, name === undefined]);
    }
  });

  it.each(samples)('finds "%s" in Markdown, comments, strings and templates', (text) => {
    for (const [path, content] of [
      ['docs/any.md', text],
      ['src/any.ts', `// ${text}\n`],
      ['src/any.ts', `/** One.\n * ${text} */\n`],
      ['src/any.ts', `const any = '${text.replaceAll("'", "\\'")}';`],
      ['src/any.ts', `const any = \`\${count} ${text}\`;`],
    ] as const) {
      expect(findPhrases(path, content), content).not.toEqual([]);
    }
  });

  it.each(samples)('finds "%s" across the end of a line', (text) => {
    const wrapped = text.replaceAll(' ', '\n * ');

    expect(findPhrases('src/any.ts', `/**\n * ${wrapped}\n */`)).not.toEqual([]);
  });

  it.each(names)('finds the identifier %s', (name) => {
    expect(findPhrases('src/any.ts', `const any = ${name};`).map(({ phrase }) => phrase)).toContain(name);
  });

  it.each(RULES)('accepts "$use"', ({ use, good }) => {
    for (const text of [use, good ?? '']) {
      expect(findPhrases('docs/any.md', text).map(({ phrase }) => phrase)).toEqual([]);
    }
  });

  it('accepts phrases in code that is no text', () => {
    const text = sample.split(' ').join('_');

    expect(findPhrases('src/any.ts', `const ${text} = /${sample}/;`)).toEqual([]);
    expect(findPhrases('src/any.ts', `${sample};`)).toEqual([]);
  });

  it('accepts quoted titles of tests and names of source files', () => {
    expect(
      findPhrases('docs/any.md', `| x | test/any.test.ts › ${sample}<br>test/b.test.ts › ${sample} |`),
    ).toEqual([]);
    for (const name of names) expect(findPhrases('docs/any.md', `see src/${name}/${name}.ts`)).toEqual([]);
  });

  it('gives the line of a phrase', () => {
    const [found] = findPhrases('src/any.ts', `const any = 1;\n\n  // One,\n  // ${sample}\n`);

    expect(found).toMatchObject({ line: 4 });
  });
});

describe('scripts/lint-words.mjs', () => {
  it('fails, and names place, phrase and word, if a file has a phrase', async () => {
    const path = join(createTempDir(), 'any.md');
    writeFileSync(path, `One.\n${sample}\n`);

    const error = await run(path).catch((failure: unknown) => failure);

    expect(error).toMatchObject({ code: 1 });
    expect((error as { stdout: string }).stdout).toMatch(/any\.md:2: .+ → .+/);
  });

  it('passes if a file has none', async () => {
    const path = join(createTempDir(), 'any.md');
    writeFileSync(path, 'The uploader resumes the upload.\n');

    expect((await run(path)).stdout).toBe('1 files, 0 phrases\n');
  });
});

function run(path: string) {
  return promisify(execFile)(process.execPath, [SCRIPT, path]);
}
