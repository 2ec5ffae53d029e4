/** A lease on a shard, and the interface to the place that keeps the leases: `store-leases.ts` or `kubernetes-leases.ts`. */

export interface Lease {
  /** The id of the uploader that works on the shard; null: none does. */
  readonly holder: string | null;
  /** Host and process of the holder, for users. */
  readonly label: string;
  /** How often the lease has changed its holder. */
  readonly generation: number;
  /** Increases whenever the holder renews the lease. */
  readonly beat: number;
  /** The id of an uploader that has fewer shards and asks for this one. */
  readonly wants: string | null;
  /** The number of shards that the holder knows. */
  readonly shards: number;
}

export interface StoredLease {
  readonly lease: Lease;
  /** Names this version, for `write`. */
  readonly version: string;
  /** Changes whenever the lease is renewed. */
  readonly mark: string;
}

/** One lease for each shard. Each method throws `OutcomeError` if the place does not answer. */
export interface LeaseTable {
  /** The place, for messages. */
  readonly name: string;
  /** Why leases are not safe in this place, or null as far as is known. */
  findProblem(): string | null;
  /** All leases that exist, by shard. `lease.beat` may be older than `mark`. */
  readAll(signal?: AbortSignal): Promise<ReadonlyMap<number, StoredLease>>;
  read(shard: number, signal?: AbortSignal): Promise<StoredLease | null>;
  /** Replaces the version `base`; null: creates the lease. Returns null, and changes nothing, if another version is there. */
  write(shard: number, lease: Lease, base: string | null, signal?: AbortSignal): Promise<StoredLease | null>;
  close?(): Promise<void>;
}

/** How often a holder renews its lease. */
export const RENEW_MS = 8_000;
/** Others take a lease that they have not seen renewed for this long. It is seen late by one interval at most. */
export const LEASE_MS = 24_000;

/** Returns what `value` says of a lease; an unreadable one has no holder, so that it can be taken. */
export function parseLease(value: unknown): Lease {
  const { holder, label, generation, beat, wants, shards } = (
    typeof value === 'object' && value !== null ? value : {}
  ) as Partial<Record<keyof Lease, unknown>>;
  return {
    holder: typeof holder === 'string' && holder !== '' ? holder : null,
    label: typeof label === 'string' ? label : '',
    generation: toCount(generation),
    beat: toCount(beat),
    wants: typeof wants === 'string' && wants !== '' ? wants : null,
    shards: toCount(shards),
  };
}

function toCount(value: unknown): number {
  return Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : 0;
}
