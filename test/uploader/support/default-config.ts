/** The default configuration; only the path and the store are set. */

import { nodeFileSystem } from '../../../uploader/base/io/node-file-system.js';
import { resolveConfig } from '../../../uploader/settings/sync-config.js';

const environment = { HOME: '/nonexistent' };

export const DEFAULT_CONFIG = (
  await resolveConfig('.', { store: 's3://bucket' }, environment, nodeFileSystem)
).config;
