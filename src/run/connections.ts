/**
 * The connections that Polyaxon hands to a job: by name, and where the artifacts store is.
 *
 * Source: vents 0.7.3, `config.py` (`POLYAXON_CONNECTIONS_CATALOG`, JSON) and `connections/connection.py` (`store_path`).
 */

import { invalidOption } from './run-options.js';

/** One connection: a bucket, a mounted volume, a registry, … */
export interface Connection {
  readonly name: string;
  readonly kind: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  /** A bucket has `bucket`, a mounted volume `mountPath`. */
  readonly schema?: Readonly<Record<string, unknown>>;
}

/** The connections of this job; none outside of a cluster. Throws `ERR_OPTION_INVALID` when the catalog is no JSON. */
export function readConnections(environment: NodeJS.ProcessEnv): readonly Connection[] {
  const text = environment.POLYAXON_CONNECTIONS_CATALOG;
  if (text === undefined || text === '') return [];
  try {
    const { connections } = JSON.parse(text) as { connections?: readonly Connection[] };
    return connections ?? [];
  } catch (cause) {
    throw invalidOption(
      `POLYAXON_CONNECTIONS_CATALOG is no JSON object: ${String(cause)}`,
      'Let Polyaxon set it, or unset it.',
    );
  }
}

/** The connection of the artifacts store; undefined when there is none. */
export function findArtifactsStore(environment: NodeJS.ProcessEnv): Connection | undefined {
  const name = environment.POLYAXON_ARTIFACTS_STORE_NAME || 'artifacts_store';
  return readConnections(environment).find((connection) => connection.name === name);
}

/** Where a connection's files are: a bucket's URL or a mounted directory; undefined for other kinds. */
export function toStorePath({ schema }: Connection): string | undefined {
  const path = schema?.mountPath ?? schema?.mount_path ?? schema?.bucket;
  return typeof path === 'string' ? path.replace(/\/+$/, '') : undefined;
}
