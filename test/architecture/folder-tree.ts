/** Reads the tree of folders and their allowed imports from ARCHITECTURE.md. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A folder (`src/run`) or an entry point (`src/index.ts`), and the paths that it may import besides itself. */
export interface TreeRow {
  readonly path: string;
  /** `src/base` for one folder; `src/base/` also covers the folders below it. */
  readonly imports: readonly string[];
}

const ROW = /^( *)(\S+?)(\/?) +\S.*?(?:← (.+))?$/;
const FOLDER_ONLY = /^( *)(\S+)\/$/;

export function readFolderTree(repository: string): readonly TreeRow[] {
  const text = readFileSync(join(repository, 'ARCHITECTURE.md'), 'utf8');
  const tree = /<!-- imports -->\n```\n([\s\S]*?)```/.exec(text)?.[1];
  if (tree === undefined) throw new Error('ARCHITECTURE.md has no tree of imports');
  const above: string[] = [];
  return tree
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, indent = '', name = '', , list] = FOLDER_ONLY.exec(line) ?? ROW.exec(line) ?? [];
      if (name === '') throw new Error(`ARCHITECTURE.md: no folder in the line "${line}"`);
      above.length = indent.length / 2;
      above.push(name);
      const root = above[0]!;
      const imports =
        list === undefined ? [] : list.split(', ').map((each) => resolveName(root, each.trim()));
      return { path: above.join('/'), imports };
    });
}

function resolveName(root: string, name: string): string {
  return name.startsWith('src/') ? name : `${root}/${name}`;
}
