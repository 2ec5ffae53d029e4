/** Connects to a Polyaxon server of a test without using this host's configuration. */

import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import {
  findConnection,
  type PolyaxonConnection,
  type Variables,
} from '../../../uploader/polyaxon-api/connection.js';
import { createSharedTempDir } from '../../support/temp-dir.js';

export async function connectTo(host: string, variables: Variables = {}): Promise<PolyaxonConnection> {
  const home = createSharedTempDir();
  return findConnection({ host }, { HOME: home, POLYAXON_CONTEXT_ROOT: home, ...variables }, nodeFileSystem);
}
