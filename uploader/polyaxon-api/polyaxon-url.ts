/** URLs of Polyaxon: `polyaxon://host:port/owner/project`. Pure. */

import { StoreUrlError } from '../base/errors.js';
import { parseHost } from './connection.js';

export interface PolyaxonLocation {
  readonly scheme: 'polyaxon';
  /** `http://host:port` or `https://host`; null: the one that the environment names. */
  readonly host: string | null;
  /** Of runs that do not say where they belong. */
  readonly owner: string | null;
  readonly project: string | null;
}

const PATTERN = /^polyaxon(?:\+(https?))?:\/\/([^/?#]*)((?:\/[^?#]*)?)$/i;
/** Source: haupt 2.16.1, slugs in addresses; an owner may be `organization/team`, of which only the organization is sent. */
const SLUG = /^[\w-]{1,128}$/;

/**
 * Reads `polyaxon://[host[:port]][/owner/project]`. `polyaxon+http://` and `polyaxon+https://` say how the host is asked; otherwise loopback is
 * asked by http, and any other host by https. Throws `StoreUrlError`, which repeats no credentials.
 */
export function parsePolyaxonUrl(text: string): PolyaxonLocation {
  const [, scheme, authority = '', path = ''] = PATTERN.exec(text) ?? [];
  if (!PATTERN.test(text)) throw new StoreUrlError('a URL of Polyaxon is polyaxon://host:port/owner/project');
  if (scheme !== undefined && authority === '')
    throw new StoreUrlError(`polyaxon+${scheme}:// needs a host; polyaxon:// takes the one of POLYAXON_HOST`);
  const names = path.split('/').filter((name) => name !== '');
  if (![0, 2].includes(names.length) || !names.every((name) => SLUG.test(name)))
    throw new StoreUrlError(
      `${path}: after the host comes nothing, or owner and project: /default/my-project`,
    );
  const [owner = null, project = null] = names;
  return {
    scheme: 'polyaxon',
    host: authority === '' ? null : parseUrlHost(scheme, authority),
    owner,
    project,
  };
}

/** The same place, with everything said. */
export function toPolyaxonUrl({ owner, project }: PolyaxonLocation, host: string): string {
  return `polyaxon+${host}${owner === null || project === null ? '' : `/${owner}/${project}`}`;
}

function parseUrlHost(scheme: string | undefined, authority: string): string {
  try {
    return parseHost(scheme === undefined ? authority : `${scheme.toLowerCase()}://${authority}`);
  } catch (cause) {
    throw new StoreUrlError('the host of Polyaxon is no address, or has credentials in it', { cause });
  }
}
