// Measures how long the runs of a failed uploader wait until another uploader sends their files.

export class TakeOverMeter {
  /** By run: the uploader that last sent one of its files. */
  #senders = new Map();
  /** By run of a failed uploader: that uploader, and since when the run waits. */
  #waiting = new Map();
  #waits = [];

  /** Must be called for each request that sends a file of a run. */
  onSent(run, uploader) {
    const wait = this.#waiting.get(run);
    if (wait !== undefined && wait.uploader !== uploader) {
      this.#waits.push(performance.now() - wait.sinceMs);
      this.#waiting.delete(run);
    }
    this.#senders.set(run, uploader);
  }

  /** Must be called when an uploader is paused or killed. Runs that it should have taken over keep their earlier start of waiting. */
  onGone(uploader) {
    const sinceMs = performance.now();
    for (const [run, sender] of this.#senders)
      if (sender === uploader && !this.#waiting.has(run)) this.#waiting.set(run, { uploader, sinceMs });
  }

  /** Number of uploaders that are the last sender of at least one run. */
  get senders() {
    return new Set(this.#senders.values()).size;
  }

  /** Number of runs that no uploader has taken over. */
  get waiting() {
    return this.#waiting.size;
  }

  get count() {
    return this.#waits.length;
  }

  /** Returns a quantile of the waiting times, in milliseconds. */
  quantile(q) {
    const sorted = this.#waits.sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
  }
}
