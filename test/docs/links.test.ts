/** Every link of the documentation leads to a file, and to a heading of it. */

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const repository = fileURLToPath(new URL('../..', import.meta.url));
/** Links of the README that also work on the registry: decision 0070. */
const PUBLISHED = 'https://unpkg.com/polytrack/';

const pages = execFileSync('git', ['ls-files', '*.md'], { cwd: repository, encoding: 'utf8' }).split('\n');

it.each(pages.filter(Boolean))('%s has no dead link', (page) => {
  const dead = findLinks(readPage(page)).filter((link) => isDead(page, link));

  expect(dead).toEqual([]);
});

function readPage(path: string): string {
  return readFileSync(join(repository, path), 'utf8');
}

/** The targets of links and images, without code. */
function findLinks(markdown: string): string[] {
  const text = markdown.replaceAll(/^```[\s\S]*?^```$/gm, '').replaceAll(/`[^`\n]*`/g, '``');
  return [...text.matchAll(/\]\(<?([^)\s>]+)>?\)/g)].map(([, target]) => target!);
}

function isDead(page: string, link: string): boolean {
  const isPublished = link.startsWith(PUBLISHED);
  if (!isPublished && /^[a-z]+:/.test(link)) return false;
  const [path = '', heading] = (isPublished ? link.slice(PUBLISHED.length) : link).split('#');
  const target = isPublished ? path : path === '' ? page : join(dirname(page), decodeURIComponent(path));
  if (!existsSync(join(repository, target))) return true;
  if (heading === undefined || statSync(join(repository, target)).isDirectory()) return false;
  return !findHeadings(readPage(target)).has(heading);
}

/** The anchors that GitHub gives to headings. */
function findHeadings(markdown: string): Set<string> {
  const anchors = new Set<string>();
  const text = markdown.replaceAll(/^```[\s\S]*?^```$/gm, '');
  for (const [, title] of text.matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = title!
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N}\p{M}\s_-]/gu, '')
      .replaceAll(' ', '-');
    let unique = anchor;
    for (let copy = 1; anchors.has(unique); copy += 1) unique = `${anchor}-${copy}`;
    anchors.add(unique);
  }
  return anchors;
}
