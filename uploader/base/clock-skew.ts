/**
 * Measures how far the clock of this host is from that of a server, by the `Date` header of its answers, and reports a large difference.
 *
 * Times in run directories are those of the host that wrote them, and are never corrected; `offsetMs` corrects what is reported to a server.
 */

import type { Clock } from '../../src/base/clock.js';

/** A difference that matters when times are compared; two seconds of it may come from the resolution of the header and from the network. */
const REPORT_FROM_MS = 5_000;
/** The header has whole seconds. */
const RESOLUTION_MS = 1_000;

export type OnSkewNotice = (notice: { readonly code: 'NOTICE_CLOCK_SKEW'; readonly message: string }) => void;

export class ClockSkew {
  readonly #clock: Clock;
  readonly #server: string;
  readonly #onNotice: OnSkewNotice;
  #reportedMs = 0;
  #offsetMs = 0;

  constructor(clock: Clock, server: string, onNotice: OnSkewNotice) {
    this.#clock = clock;
    this.#server = server;
    this.#onNotice = onNotice;
  }

  /** What to add to a time of this host to get that of the server, in whole ms; 0 unless the clocks clearly differ. */
  get offsetMs(): number {
    return this.#offsetMs;
  }

  /** Call when an answer arrives. `sentMs`: when its request was sent, by the monotonic clock. */
  observe(date: string | undefined, sentMs: number): void {
    const serverMs = Date.parse(date ?? '');
    if (Number.isNaN(serverMs)) return;
    // The server wrote the header at some time between the request and now.
    const uncertainMs = RESOLUTION_MS + this.#clock.monotonicMs() - sentMs;
    const differenceMs = this.#clock.wallTime() * 1000 - serverMs;
    const certainMs = Math.max(0, Math.abs(differenceMs) - uncertainMs);
    if (uncertainMs < REPORT_FROM_MS)
      this.#offsetMs = certainMs < REPORT_FROM_MS ? 0 : Math.round(uncertainMs / 2 - differenceMs);
    if (
      certainMs < REPORT_FROM_MS ||
      Math.abs(differenceMs - this.#reportedMs) < REPORT_FROM_MS + uncertainMs
    )
      return;
    this.#reportedMs = differenceMs;
    this.#onNotice({ code: 'NOTICE_CLOCK_SKEW', message: describeSkew(this.#server, differenceMs) });
  }
}

/** Describes how far the clock of this host is ahead of that of a server. */
export function describeSkew(server: string, differenceMs: number): string {
  const seconds = Math.round(Math.abs(differenceMs) / 1000);
  const where = differenceMs > 0 ? 'ahead of' : 'behind';
  return `the clock of this host is ${seconds} s ${where} that of ${server}: synchronise both, such as with NTP, so that the times of runs can be compared`;
}
