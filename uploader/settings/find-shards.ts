/** Finds out which runs this process uploads: one shard, those that a cluster assigns to it, or all. */

import { hostname } from 'node:os';
import { ConfigError } from '../base/errors.js';
import type { Shard } from '../cluster/shards.js';
import type { Environment } from './settings.js';
import type { SettingValues } from './table.js';
import { checkShard } from './value-types.js';

interface Given extends Pick<SettingValues, 'shard' | 'shards' | 'cluster'> {
  /** The flag, variable or file that has set `shards`. */
  readonly shardsSource: string | undefined;
}

/** A cluster of uploaders that divide the shards among them. */
export interface Cluster {
  /** With `kubernetes:` before it, the leases are in Kubernetes, otherwise in the store. */
  readonly name: string;
  /** The number of shards. */
  readonly shards: number;
}

/** The runs of this process; without both properties all runs. */
interface FoundShards {
  readonly shard?: Shard | undefined;
  readonly cluster?: Cluster | undefined;
}

const NUMBER_VARIABLES = ['JOB_COMPLETION_INDEX', 'POD_INDEX'];
const HINT =
  'Pass --shard i/n, or set POD_INDEX to the number of this pod, or give all uploaders one name with --cluster.';

export function findShards(
  { shard, shards, cluster, shardsSource = '--shards' }: Given,
  environment: Environment,
): FoundShards {
  if (cluster !== undefined) {
    if (shard !== undefined)
      throw new ConfigError('--cluster and --shard: a cluster assigns the shards', 'Drop one of them.');
    if (shards !== undefined) return { cluster: Object.freeze({ name: cluster, shards }) };
    const hint =
      'Add --shards with the same number for each uploader, about four times the number of uploaders.';
    throw new ConfigError('--cluster: needs the number of shards', hint);
  }
  if (shard === undefined) return shards === undefined ? {} : { shard: fromEnvironment(shards, environment) };
  if (shards === undefined || shards === shard.count) return { shard: Object.freeze(shard) };
  throw new ConfigError(
    `--shard: ${shard.index}/${shard.count} has another number of shards than ${shardsSource}, which is ${shards}`,
    'Drop --shards.',
  );
}

/** The number that Kubernetes has given to this pod: of an Indexed Job, or of a StatefulSet. */
function fromEnvironment(count: number, environment: Environment): Shard {
  const variable = NUMBER_VARIABLES.find((name) => (environment[name] ?? '') !== '');
  const name = environment.POD_NAME || environment.HOSTNAME || hostname();
  const source = variable ?? (environment.POD_NAME ? 'POD_NAME' : 'the host name');
  // Source: Kubernetes, "StatefulSets": pods are named <name>-<ordinal>, and the host name is that of the pod.
  const [, digits] = (variable === undefined ? /-(\d{1,4})$/ : /^(\d{1,4})$/).exec(
    variable === undefined ? name : (environment[variable] ?? ''),
  ) ?? [null, undefined];
  if (digits === undefined) {
    const value = variable === undefined ? name : environment[variable];
    throw new ConfigError(`--shards: ${source}, ${JSON.stringify(value)}, has no number of a shard`, HINT);
  }
  return Object.freeze(checkShard({ source, value: `${digits}/${count}` }, { index: Number(digits), count }));
}
