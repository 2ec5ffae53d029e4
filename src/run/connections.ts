/**
 * Reads the connections that Polyaxon passes to a job, and finds the artifacts store among them.
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
  /** `bucket` for a bucket, `mountPath` for a mounted volume. */
  readonly schema?: Readonly<Record<string, unknown>>;
}

/** Returns the connections of this job; empty outside a cluster. Throws `ERR_OPTION_INVALID` when the catalog is not valid JSON. */
export function readConnections(env: NodeJS.ProcessEnv): readonly Connection[] {
  const text = env.POLYAXON_CONNECTIONS_CATALOG;
  if (text === undefined || text === '') return [];
  try {
    const { connections } = JSON.parse(text) as { connections?: readonly Connection[] };
    return connections ?? [];
  } catch (cause) {
    throw invalidOption(
      `POLYAXON_CONNECTIONS_CATALOG is not a JSON object: ${String(cause)}`,
      'Unset it, so that only Polyaxon sets it.',
    );
  }
}

/** Returns the connection of the artifacts store; undefined when none is set. */
export function findArtifactsStore(env: NodeJS.ProcessEnv): Connection | undefined {
  const name = env.POLYAXON_ARTIFACTS_STORE_NAME || 'artifacts_store';
  return readConnections(env).find((connection) => connection.name === name);
}

/** Returns the location of a connection's files: the URL of a bucket or a mounted directory; undefined for other kinds. */
export function toStorePath({ schema }: Connection): string | undefined {
  const path = schema?.mountPath ?? schema?.mount_path ?? schema?.bucket;
  return typeof path === 'string' ? path.replace(/\/+$/, '') : undefined;
}
