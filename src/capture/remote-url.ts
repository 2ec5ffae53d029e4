/**
 * Addresses of git remotes, as they may be shown. Pure.
 */

const URL_PARTS = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/]*)@)?([^?#]*)/i;
/** `git@host:path`, git's short form of an SSH address. Source: git-clone(1), "GIT URLS". */
const SSH_SHORT_FORM = /^([^@/\s:]+)@([^:/\s]+):(?!\/\/)(.+)$/;

/** The address without user, password and query; users of SSH, which are names such as `git`, stay. */
export function stripCredentials(url: string): string {
  const [, scheme, user, rest] = URL_PARTS.exec(url) ?? [];
  if (scheme === undefined || rest === undefined) return url;
  const name = /ssh/i.test(scheme) ? (user?.split(':')[0] ?? '') : '';
  return `${scheme}://${name === '' ? '' : `${name}@`}${rest}`;
}

/**
 * The address at which people can look at the repository: SSH addresses become `https://host/path`, without `.git`.
 *
 * Source: clipped 0.11, `utils/git.py` (`get_code_reference`), which cuts at the first `.git` anywhere; others stay as they are.
 */
export function toBrowserUrl(url: string): string {
  const short = SSH_SHORT_FORM.exec(url);
  if (short !== null) return `https://${short[2]}/${withoutSuffix(short[3]!)}`;
  const long = /^(?:git\+)?ssh:\/\/(?:[^/]*@)?([^/:]+)(?::\d*)?\/(.+)$/i.exec(url);
  return long === null ? url : `https://${long[1]}/${withoutSuffix(long[2]!)}`;
}

function withoutSuffix(path: string): string {
  return path
    .replace(/\/+$/, '')
    .replace(/\.git$/, '')
    .replace(/^\/+/, '');
}
