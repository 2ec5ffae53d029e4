/**
 * Converts URLs of git remotes to forms that can be shown. Pure.
 */

const URL_PARTS = /^([a-z][a-z0-9+.-]*):\/\/(?:([^/]*)@)?([^?#]*)/i;
/** Matches `git@host:path`, git's short form of an SSH URL. Source: git-clone(1), "GIT URLS". */
const SSH_SHORT_FORM = /^([^@/\s:]+)@([^:/\s]+):(?!\/\/)(.+)$/;

/** Removes user, password and query from a URL. Keeps the user of an SSH URL, which is a name such as `git`. */
export function stripCredentials(url: string): string {
  const [, scheme, user, rest] = URL_PARTS.exec(url) ?? [];
  if (scheme === undefined || rest === undefined) return url;
  const name = /ssh/i.test(scheme) ? (user?.split(':')[0] ?? '') : '';
  return `${scheme}://${name === '' ? '' : `${name}@`}${rest}`;
}

/**
 * Returns the URL of a repository in the browser: SSH URLs become `https://host/path` without `.git`; others stay unchanged.
 *
 * Source: clipped 0.11, `utils/git.py` (`get_code_reference`), which cuts at the first `.git` anywhere.
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
