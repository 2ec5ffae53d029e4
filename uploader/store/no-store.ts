/** The store of an uploader that only reports runs to a Polyaxon server, and leaves their files to another program. */

import { ConfigError } from '../base/errors.js';
import { NO_STORE } from '../polyaxon-api/polyaxon-url.js';
import { POLYAXON_STORE } from './base/capabilities.js';
import type { Store } from './base/store.js';

/** Has no objects, and accepts none. */
export function createNoStore(): Store {
  const refused = async () =>
    ({ status: 'failed', error: new ConfigError('no store is set', 'Pass --store.') }) as const;
  const absent = async () => ({ status: 'absent' }) as const;
  return {
    id: NO_STORE,
    capabilities: POLYAXON_STORE,
    check: async () => ({ status: 'ready' }),
    commit: refused,
    append: refused,
    abandon: async () => undefined,
    collect: async () => ({ status: 'collected', removed: 0, left: 0 }),
    remove: refused,
    head: absent,
    list: async function* () {},
    read: async function* () {},
    close: async () => undefined,
  };
}
