/** Which proxy a request goes through, by the rules that curl and Go share. Pure. */

import type { ProxySettings } from './transport.js';

/**
 * The proxy's URL, or null to ask the host itself. Loopback is always asked directly, as Go's `net/http` does: no proxy can reach it.
 *
 * `none` is a list of host names, each for its subdomains too, with an optional port; `*` is every host. Source: curl's manual, "NO_PROXY".
 */
export function findProxy(url: URL, { http, https, none = '' }: ProxySettings): string | null {
  const proxy = url.protocol === 'https:' ? https : http;
  if (proxy === undefined || proxy === '' || isLoopback(url.hostname)) return null;
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port;
  const isDirect = none
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => isNamed(entry.toLowerCase(), url.hostname, port));
  return isDirect ? null : proxy;
}

/** Whether a host, as a URL has it, is this machine. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127(\.\d+){3}$/.test(hostname)
  );
}

function isNamed(entry: string, hostname: string, port: string): boolean {
  if (entry === '*') return true;
  const [, name = '', wantedPort] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  const host = name.replace(/^\*?\./, '');
  if (host === '' || (wantedPort !== undefined && wantedPort !== port)) return false;
  return hostname === host || hostname.endsWith(`.${host}`);
}
