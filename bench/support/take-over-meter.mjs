// How long the runs of an uploader that is gone wait for another one, by who sends what.

export class TakeOverMeter {
  /** By run: the last that has sent something of it. */
  #senders = new Map();
  /** By run of one that is gone: since when. */
  #waiting = new Map();
  #waits = [];

  /** Called with each request that sends something of a run. */
  onSent(run, uploader) {
    const wait = this.#waiting.get(run);
    if (wait !== undefined && wait.uploader !== uploader) {
      this.#waits.push(performance.now() - wait.sinceMs);
      this.#waiting.delete(run);
    }
    this.#senders.set(run, uploader);
  }

  /** An uploader is stopped or killed now. Those that it was to have from another wait since that one was gone. */
  onGone(uploader) {
    const sinceMs = performance.now();
    for (const [run, sender] of this.#senders)
      if (sender === uploader && !this.#waiting.has(run)) this.#waiting.set(run, { uploader, sinceMs });
  }

  /** Uploaders that have sent something last of some run. */
  get senders() {
    return new Set(this.#senders.values()).size;
  }

  /** Runs that nobody has taken over. */
  get waiting() {
    return this.#waiting.size;
  }

  get count() {
    return this.#waits.length;
  }

  /** In milliseconds. */
  quantile(q) {
    const sorted = this.#waits.sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
  }
}
