import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const REPOSITORY = join(import.meta.dirname, '../..');
const FOLDER = join(REPOSITORY, 'docs/decisions');
const SECTIONS = ['Context', 'Choice', 'Rejected alternatives'];
/** A path in backticks begins with one of these folders. */
const PATH = /^(?:src|uploader|test|docs|bench|scripts|deploy|proto|fixtures|examples)\/[^\s*<{]*$/;

interface Decision {
  readonly file: string;
  readonly number: string;
  readonly text: string;
  readonly title: string | undefined;
  readonly date: string;
  readonly status: string;
}

const decisions: Decision[] = readdirSync(FOLDER)
  .filter((file) => file !== 'README.md')
  .sort()
  .map((file) => {
    const text = readFileSync(join(FOLDER, file), 'utf8');
    return {
      file,
      number: file.slice(0, 4),
      text,
      title: /^# (.+)\n/.exec(text)?.[1],
      date: /^- Date: (.+)$/m.exec(text)?.[1] ?? '',
      status: /^- Status: (.+)$/m.exec(text)?.[1] ?? '',
    };
  });
const index = readFileSync(join(FOLDER, 'README.md'), 'utf8');

describe('docs/decisions', () => {
  it('numbers the records by date, each number once', () => {
    expect(decisions.length).toBeGreaterThan(40);
    for (const { file } of decisions) expect(file).toMatch(/^\d{4}(-[a-z0-9]+)+\.md$/);
    const numbers = decisions.map(({ file }) => file.slice(0, 4));
    expect(numbers).toEqual([...new Set(numbers)].sort());
    const dates = decisions.map(({ date }) => date);
    expect(dates).toEqual([...dates].sort());
  });

  it.each(decisions)(
    '$file has a title, a date, a status and the sections',
    ({ text, title, date, status }) => {
      const sections = [...text.matchAll(/^## (.+)\n\n(?!## )\S/gm)].map(([, section]) => section);

      expect(title).toMatch(/^[A-Z]/);
      expect(date).toMatch(/^\d{4}-\d\d-\d\d$/);
      expect(status).toMatch(/^accepted$|^superseded by \[\d{4}\]\(.+\)$/);
      expect(sections.slice(0, SECTIONS.length)).toEqual(SECTIONS);
      expect([[], ['Consequences']]).toContainEqual(sections.slice(SECTIONS.length));
    },
  );

  it('lists each record in the index with date, title and status', () => {
    const rows = index.split('\n').filter((line) => /^\| \[\d/.test(line));

    expect(rows).toEqual(
      decisions.map(
        ({ file, number, date, title, status }) =>
          `| [${number}](${file}) | ${date} | ${title} | ${status} |`,
      ),
    );
  });

  it('names the later record that supersedes an earlier one', () => {
    const files = new Set(decisions.map(({ file }) => file));
    const superseded = decisions.filter(({ status }) => status !== 'accepted');

    expect(superseded.length).toBeGreaterThan(0);
    for (const { file, number, status } of superseded) {
      const [, successor = '', target = ''] = /\[(\d{4})\]\((.+)\)$/.exec(status) ?? [];
      expect(files, file).toContain(target);
      expect(target.startsWith(successor)).toBe(true);
      expect(Number(successor)).toBeGreaterThan(Number(number));
      expect(readFileSync(join(FOLDER, target), 'utf8'), `${target} names ${file}`).toContain(`(${file})`);
    }
  });

  it('names paths and links that exist', () => {
    const missing = decisions.flatMap(({ file, text, status }) => {
      const links = [...text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(([, link = '']) =>
        join(FOLDER, link),
      );
      // Files that a superseded decision names may no longer exist.
      const paths = status === 'accepted' ? [...text.matchAll(/`([^`\n]+)`/g)] : [];
      const named = paths.map(([, path = '']) => path).filter((path) => PATH.test(path));
      return [...links, ...named.map((path) => join(REPOSITORY, path))]
        .filter((path) => !existsSync(path))
        .map((path) => `${file}: ${path}`);
    });

    expect(missing).toEqual([]);
  });
});
