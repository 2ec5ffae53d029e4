/**
 * Names that are never sent: what is not finished, what belongs to tools, what looks like a secret. Decided by name alone.
 *
 * The patterns are narrow on purpose: a file that is left out by mistake (`id_map.json`) is worse than one too many.
 */

import { PARTIAL_SUFFIX } from '../../../src/base/atomic-file.js';
import { RESERVED_DIRECTORY } from '../../base/rel-path.js';

/** Why a path is not sent although nothing failed. */
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
  | 'not-a-run';

export const IGNORE_FILE = '.polytrackignore';

const UNFINISHED = [PARTIAL_SUFFIX, '.tmp'];
const TOOLS = [/^\.git$/, /^\..+\.sw[a-p]$/, /~$/, /^\.#/, /^#.*#$/, /^\.DS_Store$/, /^\.polytrackignore$/];
const SECRETS = [
  /^\.env(\..*)?$/,
  /\.pem$/,
  /\.p12$/,
  /\.pfx$/,
  /^id_(rsa|dsa|ecdsa|ed25519)(_sk)?$/, // the private halves of ssh-keygen(1); ….pub is public
  /^[._]netrc$/,
  /^\.(aws|ssh|kube|gnupg|docker)$/,
  /^\.(pgpass|npmrc|pypirc|git-credentials)$/,
  /^kubeconfig$/,
  /^application_default_credentials\.json$/,
  /service[-_]?account.*\.json$/i,
];

/** Whatever one of them matches: nearly all names need no second look. */
const SUSPECT = new RegExp([...TOOLS, ...SECRETS].map(({ source }) => source).join('|'), 'i');

/** Why a file or directory of this name is left out, or null. A directory is left out with everything in it. */
export function toSkipReason(name: string): SkipReason | null {
  if (name === RESERVED_DIRECTORY) return 'reserved';
  if (UNFINISHED.some((suffix) => name.endsWith(suffix))) return 'unfinished';
  if (!SUSPECT.test(name)) return null;
  if (TOOLS.some((pattern) => pattern.test(name))) return 'tool';
  return SECRETS.some((pattern) => pattern.test(name)) ? 'secret-shape' : null;
}
