/**
 * Finds names that are excluded by default: unfinished files, files of tools, and secret-like names. Only the name decides.
 *
 * The patterns are deliberately narrow: wrongly excluding a file (`id_map.json`) is worse than sending one too many.
 */

import { PARTIAL_SUFFIX } from '../../../src/base/atomic-file.js';
import { RESERVED_DIRECTORY } from '../../base/rel-path.js';

/** Why a path is excluded. */
export type SkipReason =
  | 'symbolic-link'
  | 'not-regular'
  | 'unfinished'
  | 'reserved'
  | 'tool'
  | 'secret-shape'
  | 'ignored'
  | 'hard-link'
  | 'other-device'
  | 'store'
  | 'not-a-run'
  | 'hparams-configuration'
  | 'no-events';

export const IGNORE_FILE = '.polytrackignore';

const UNFINISHED = [PARTIAL_SUFFIX, '.tmp'];
const TOOLS = [/^\.git$/, /^\..+\.sw[a-p]$/, /~$/, /^\.#/, /^#.*#$/, /^\.DS_Store$/, /^\.polytrackignore$/];
const SECRETS = [
  /^\.env(\..*)?$/,
  /\.pem$/,
  /\.p12$/,
  /\.pfx$/,
  /^id_(rsa|dsa|ecdsa|ed25519)(_sk)?$/, // private keys of ssh-keygen(1); ….pub is public
  /^[._]netrc$/,
  /^\.(aws|ssh|kube|gnupg|docker)$/,
  /^\.(pgpass|npmrc|pypirc|git-credentials)$/,
  /^kubeconfig$/,
  /^application_default_credentials\.json$/,
  /service[-_]?account.*\.json$/i,
];

/** Matches any name that one of these patterns matches, so that nearly all names need a single test. */
const SUSPECT = new RegExp([...TOOLS, ...SECRETS].map(({ source }) => source).join('|'), 'i');

/** Returns why a file or directory of this name is excluded, or null. A directory is excluded with everything in it. */
export function toSkipReason(name: string): SkipReason | null {
  if (name === RESERVED_DIRECTORY) return 'reserved';
  if (UNFINISHED.some((suffix) => name.endsWith(suffix))) return 'unfinished';
  if (!SUSPECT.test(name)) return null;
  if (TOOLS.some((pattern) => pattern.test(name))) return 'tool';
  return SECRETS.some((pattern) => pattern.test(name)) ? 'secret-shape' : null;
}
