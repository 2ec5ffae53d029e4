/** Parses URLs of Polyaxon: `polyaxon://host:port/owner/project`. Pure. */

import { describe, shorten } from '../../src/base/describe.js';
import { StoreUrlError } from '../base/errors.js';
import { parseHost } from './connection.js';

/** The store URL of an uploader that only reports runs to a server, and leaves their files to another program. */
export const NO_STORE = 'none:';

export interface PolyaxonLocation {
  readonly scheme: 'polyaxon';
  /** `http://host:port` or `https://host`; null: use the host in the environment. */
  readonly host: string | null;
  /** The owner of runs that do not name one. */
  readonly owner: string | null;
  readonly project: string | null;
}

const PATTERN = /^polyaxon(?:\+(https?))?:\/\/([^/?#]*)((?:\/[^?#]*)?)$/i;
/** Source: haupt 2.16.1, slugs in addresses. An owner may be `organization/team`; only the organization is sent. */
const SLUG = /^[\w-]{1,128}$/;

/**
 * Parses `polyaxon://[host[:port]][/owner/project]`. `polyaxon+http://` and `polyaxon+https://` set the scheme; the default is http for
 * loopback and https for any other host. Throws a `StoreUrlError` whose message contains no credentials.
 */
export function parsePolyaxonUrl(text: string): PolyaxonLocation {
  if (typeof text !== 'string') throw new StoreUrlError(`the URL is ${describe(text)}, expected text`);
  const [, scheme, authority = '', path = ''] = PATTERN.exec(text) ?? [];
  if (!PATTERN.test(text)) throw new StoreUrlError('the URL is not polyaxon://host:port/owner/project');
  if (scheme !== undefined && authority === '')
    throw new StoreUrlError(`polyaxon+${scheme}:// has no host; only polyaxon:// uses POLYAXON_HOST`);
  const names = path.split('/').filter((name) => name !== '');
  if (![0, 2].includes(names.length) || !names.every((name) => SLUG.test(name)))
    throw new StoreUrlError(`${shorten(path)}: expected /owner/project or nothing after the host`);
  const [owner = null, project = null] = names;
  return {
    scheme: 'polyaxon',
    host: authority === '' ? null : parseUrlHost(scheme, authority),
    owner,
    project,
  };
}

/** Returns the URL of a location with its scheme and host. */
export function toPolyaxonUrl({ owner, project }: PolyaxonLocation, host: string): string {
  return `polyaxon+${host}${owner === null || project === null ? '' : `/${owner}/${project}`}`;
}

function parseUrlHost(scheme: string | undefined, authority: string): string {
  try {
    return parseHost(scheme === undefined ? authority : `${scheme.toLowerCase()}://${authority}`);
  } catch (cause) {
    throw new StoreUrlError('the host of Polyaxon is invalid or contains credentials', { cause });
  }
}
