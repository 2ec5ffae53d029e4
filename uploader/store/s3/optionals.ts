/**
 * Learns from ordinary requests which optional headers and operations a store accepts.
 *
 * A rejected request is repeated without them, one less each time. The last one removed before the request succeeds is the one that the store
 * rejects. A response that may be temporary teaches nothing unless it repeats `PROOFS` times without a success in between.
 */

import { readProperty } from '../base/http-outcome.js';
import type { LearnedAnswers } from '../base/learned-answers.js';
import { type Rejection, toRejection } from './rejections.js';

/** For each header or operation, how error messages name it. */
const NAMED = {
  putChecksum: /checksum/i,
  metadata: /x-amz-meta|metadata/i,
  putIfNoneMatch: /if-none-match/i,
  putIfMatch: /if-match/i,
  createChecksum: /checksum/i,
  createMetadata: /x-amz-meta|metadata/i,
  partChecksum: /checksum/i,
  completeChecksum: /checksum|object-size/i,
  completeIfNoneMatch: /if-none-match/i,
  completeIfMatch: /if-match/i,
  checksumMode: /checksum/i,
  deleteIfMatch: /if-match/i,
  startAfter: /start-after/i,
  multipart: /multipart/i,
  append: /copy/i,
  rangeCopy: /range/i,
  listUploads: /uploads/i,
  listParts: /parts/i,
} as const;

export type Optional = keyof typeof NAMED;

/** The checksums of multipart uploads. An upload has all of them or none. */
export const MULTIPART_CHECKSUMS: readonly Optional[] = [
  'createChecksum',
  'partChecksum',
  'completeChecksum',
];

/** How many doubtful rejections prove one. */
const PROOFS = 3;

interface Doubts {
  /** Failures in a row. */
  failures: number;
  /** How often the request succeeded without it. */
  proofs: number;
}

export class Optionals {
  readonly #learned: LearnedAnswers;
  readonly #doubts = new Map<Optional, Doubts>();

  constructor(learned: LearnedAnswers) {
    this.#learned = learned;
  }

  /** Whether to use it: true until the store has rejected it. */
  uses(name: Optional): boolean {
    return this.#learned.get(name) !== 'no';
  }

  /** Sends a request with the headers that the store may accept; repeats it with fewer when the store rejects it. */
  async send<Result>(
    names: readonly Optional[],
    sendWith: (uses: ReadonlySet<Optional>) => Promise<Result>,
  ): Promise<Result> {
    const used = names.filter((name) => this.uses(name));
    try {
      const result = await sendWith(new Set(used));
      this.accept(used);
      return result;
    } catch (error) {
      const rejection = this.suspect(used, error);
      if (rejection === null) throw error;
      return this.#sendReduced(used, { error, rejection }, sendWith);
    }
  }

  /** How certainly a failure is about one of these; null when it is not, or not yet. */
  suspect(names: readonly Optional[], error: unknown): Rejection | null {
    const rejection = toRejection(error);
    // What another request has proven to be rejected, after this one was sent, is repeated without it too.
    const suspects = names.filter((name) => this.#learned.get(name) !== 'yes');
    if (rejection === null || rejection === 'definite') return names.length === 0 ? null : rejection;
    if (suspects.length === 0) return null;
    if (rejection === 'doubtful' || !suspects.every((name) => this.uses(name))) return rejection;
    const doubts = suspects.map((name) => this.#doubtsOf(name));
    for (const each of doubts) each.failures += 1;
    return doubts.some(({ failures, proofs }) => failures >= PROOFS || proofs > 0) ? rejection : null;
  }

  accept(names: readonly Optional[]): void {
    for (const name of names) {
      this.#doubts.delete(name);
      this.#learned.learn(name, 'yes');
    }
  }

  /** Call it when a request has failed with `name`, and has succeeded without. */
  reject(name: Optional, rejection: Rejection): void {
    const doubts = this.#doubtsOf(name);
    doubts.proofs += 1;
    const isProven = rejection === 'definite' && this.#learned.get(name) === undefined;
    if (!isProven && doubts.proofs < PROOFS) return;
    this.#doubts.delete(name);
    this.#learned.learn(name, 'no');
  }

  async #sendReduced<Result>(
    used: readonly Optional[],
    { error, rejection }: { readonly error: unknown; readonly rejection: Rejection },
    sendWith: (uses: ReadonlySet<Optional>) => Promise<Result>,
  ): Promise<Result> {
    const left = new Set(used);
    for (const name of this.#inOrder(used, error)) {
      left.delete(name);
      try {
        const result = await sendWith(left);
        this.reject(name, rejection);
        return result;
      } catch (next) {
        const again = toRejection(next);
        // The store has carried out the reduced request, or is unavailable.
        if (again === null || (again === 'passing' && rejection !== 'passing')) throw next;
      }
    }
    throw error;
  }

  /** First those that the error names, then those that the store has not accepted before. */
  #inOrder(names: readonly Optional[], error: unknown): Optional[] {
    const text = ['message', 'Header', 'ArgumentName'].map((field) => String(readProperty(error, field)));
    const rank = (name: Optional): number => {
      if (text.some((each) => NAMED[name].test(each))) return 0;
      return this.#learned.get(name) === 'yes' ? 2 : 1;
    };
    return [...names].sort((a, b) => rank(a) - rank(b));
  }

  #doubtsOf(name: Optional): Doubts {
    const doubts = this.#doubts.get(name) ?? { failures: 0, proofs: 0 };
    this.#doubts.set(name, doubts);
    return doubts;
  }
}
