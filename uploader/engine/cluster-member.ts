/** Makes a watch a member of a cluster: it works on the shards whose leases it holds. */

import { hostname } from 'node:os';
import { inBackground } from '../../src/base/background.js';
import { describeFailure } from '../base/describe-failure.js';
import { openKubernetesLeases } from '../cluster/kubernetes-leases.js';
import type { LeaseTable } from '../cluster/lease.js';
import { LeaseKeeper } from '../cluster/lease-keeper.js';
import { createShardOwnership, type Ownership } from '../cluster/ownership.js';
import { KUBERNETES, toShard } from '../cluster/shards.js';
import { StoreLeases } from '../cluster/store-leases.js';
import type { SyncConfig } from '../settings/sync-config.js';
import type { UploaderContext } from './context/uploader-context.js';

interface Listener {
  /** Receives the indices of the runs that this uploader has gained. */
  readonly onGained: (runs: ReadonlySet<number>) => void;
  /** Called when a lease has ended before it was renewed: nothing may be sent for its runs any more. */
  readonly onLapsed: () => void;
}

export class ClusterMember {
  readonly ownership: Ownership;
  readonly #context: UploaderContext;
  readonly #listener: Listener;
  readonly #keeper: LeaseKeeper;
  readonly #close: () => Promise<void>;
  readonly #leaving = new AbortController();
  #holds: readonly boolean[] = [];
  #running: Promise<void> = Promise.resolve();

  /** Throws a coded error if the leases cannot be kept where the cluster keeps them. */
  static async open(
    context: UploaderContext,
    cluster: NonNullable<SyncConfig['cluster']>,
    listener: Listener,
  ): Promise<ClusterMember> {
    const { io, store } = context;
    const { pid } = await io.processes.current();
    const { name } = cluster;
    const table: LeaseTable = name.startsWith(KUBERNETES)
      ? await openKubernetesLeases(name.slice(KUBERNETES.length), io, process.env)
      : new StoreLeases(store, name, io.randomness);
    const label = `${hostname()} ${pid}`;
    return new ClusterMember(context, listener, (onChange) => {
      const keeper = new LeaseKeeper({
        ...{ table, clock: io.clock, id: io.randomness.id(), label, count: cluster.shards, onChange },
        onUnreachable: (cause) => {
          const message = `the leases of ${name} cannot be renewed (${describeFailure(cause)}); nothing is sent for a shard once its lease has ended`;
          context.onNotice({ code: 'NOTICE_CLUSTER_UNREACHABLE', message });
        },
        onOtherCount: (count, other) => {
          const message = `${other} divides the runs of ${name} into ${count} shards, this uploader into ${cluster.shards}: give all uploaders the same --shards`;
          context.onNotice({ code: 'NOTICE_CLUSTER_SHARDS', message });
        },
      });
      return { keeper, close: async () => table.close?.() };
    });
  }

  private constructor(
    context: UploaderContext,
    listener: Listener,
    create: (onChange: () => void) => { keeper: LeaseKeeper; close: () => Promise<void> },
  ) {
    this.#context = context;
    this.#listener = listener;
    const { keeper, close } = create(() => this.#check());
    this.#keeper = keeper;
    this.#close = close;
    this.ownership = createShardOwnership(context.ownership, keeper, (id) => context.inventory.runOf(id));
  }

  /** Resolves after the leases were read for the first time, or could not be read. `onFailure` receives what ends the membership later. */
  async join(onFailure: (error: unknown) => void): Promise<void> {
    await this.#keeper.turn(this.#leaving.signal);
    this.#running = this.#keeper.run(this.#leaving.signal);
    inBackground(this.#running, onFailure);
  }

  /** Leaves the cluster, so that other uploaders get the runs. What was assigned to them before stays known. */
  async leave(): Promise<void> {
    this.#leaving.abort();
    await this.#running.catch(() => undefined); // already reported
    await this.#close();
  }

  /** Lists the runs of shards that this uploader has gained or lost: another uploader may have stored files meanwhile. */
  #check(): void {
    const { inventory } = this.#context;
    const before = this.#holds;
    this.#holds = Array.from(
      { length: this.#keeper.count },
      (_, shard) => this.#keeper.stateOf(shard) === 'this',
    );
    const gained = new Set<number>();
    for (const run of inventory.runs) {
      const shard = toShard(run.uuid, this.#keeper.count);
      if (this.#holds[shard] === before[shard]) continue;
      run.isListed = false;
      if (this.#holds[shard]) gained.add(run.index);
    }
    if (this.#keeper.hasLapsed()) this.#listener.onLapsed();
    if (gained.size > 0) this.#listener.onGained(gained);
  }
}
