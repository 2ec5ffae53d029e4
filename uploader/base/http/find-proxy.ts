/** Selects the proxy for a request, by the rules that curl and Go share. Pure. */

import type { ProxySettings } from './transport.js';

/**
 * Returns the proxy's URL, or null to connect directly. Loopback is always direct, as in Go's `net/http`: no proxy can reach it.
 *
 * `none` lists host names with an optional port. A name includes its subdomains; `*` is every host. Source: curl's manual, "NO_PROXY".
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

/** Whether the host name of a URL is this machine. */
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
