/** Parses URLs of runs and files in a store: `<store>/<uuid>/<path>`. Pure. */

import { RUN_UUID_PATTERN } from '../../../src/run-directory/layout.js';

interface RunUrl {
  /** The URL of the store. */
  readonly store: string;
  readonly runUuid: string | null;
  /** The path inside the run; empty for the whole run. */
  readonly path: string;
}

/** Splits a URL; `openStore` checks the store part. The first name of 32 hex digits after the host is the run. */
export function parseRunUrl(url: string): RunUrl {
  const match = /^([a-z][a-z0-9+.-]*:\/\/[^/]*)(.*)$/i.exec(url);
  const [, origin = url, rest = ''] = match ?? [];
  const names = rest.replace(/\/+$/, '').split('/');
  const at = names.findIndex((name) => RUN_UUID_PATTERN.test(name));
  const runUuid = names[at] ?? null;
  if (runUuid === null) return { store: `${origin}${names.join('/')}`, runUuid, path: '' };
  const store = `${origin}${names.slice(0, at).join('/')}`;
  return { store: store.endsWith('//') ? `${store}/` : store, runUuid, path: names.slice(at + 1).join('/') };
}
