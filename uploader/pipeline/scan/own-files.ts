/** Finds excluded files that polytrack makes and keeps for itself. Reports do not list them. */

import { PARTIAL_SUFFIX } from '../../../src/base/atomic-file.js';
import {
  EARLIER_LINKS_DIRECTORY,
  LINEAGE_FILE,
  LINKS_SUFFIX,
  RUN_FILE,
} from '../../../src/run-directory/layout.js';
import { RESERVED_DIRECTORY } from '../../base/rel-path.js';
import type { DirectoryNode } from './directory-node.js';
import type { SkipReason } from './excludes.js';

/** Names in a run directory; a program that was killed leaves the temporary files behind. */
const IN_RUN_DIRECTORY: ReadonlySet<string> = new Set([
  RESERVED_DIRECTORY,
  `${RUN_FILE}${PARTIAL_SUFFIX}`,
  `${LINEAGE_FILE}${PARTIAL_SUFFIX}`,
]);
const IN_LINKS_DIRECTORY = /-[0-9a-f]{8}$/;

/** Whether `name`, which is excluded from its directory for `reason`, is a file of polytrack. */
export function isOwnFile(node: DirectoryNode, name: string, reason: SkipReason): boolean {
  if (node.home?.node === node) return IN_RUN_DIRECTORY.has(name);
  // A root of runs inside a log directory of another writer.
  const directory = node.rootPath.split('/').at(-1) ?? '';
  const isForLinks = directory === EARLIER_LINKS_DIRECTORY || directory.endsWith(LINKS_SUFFIX);
  const isInLinks = node.home?.isImported === true && isForLinks;
  return isInLinks && reason === 'symbolic-link' && IN_LINKS_DIRECTORY.test(name);
}
