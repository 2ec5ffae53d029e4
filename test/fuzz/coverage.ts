/** Which blocks of the sources have run, by V8's own counters. */

import { Session } from 'node:inspector/promises';

export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  async start(): Promise<void> {
    this.#session.connect();
    await this.#session.post('Profiler.enable');
    await this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** The number of blocks that have run, each once for each order of magnitude of its count. */
  get blocks(): number {
    return this.#seen.size;
  }

  /** Takes the counters since the last call. Returns how many blocks are new. */
  async take(): Promise<number> {
    const before = this.#seen.size;
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    for (const { scriptId, url, functions } of result) {
      if (!/\/(?:src|uploader)\//.test(url)) continue;
      for (const { ranges } of functions)
        for (const { startOffset, count } of ranges)
          if (count > 0) this.#seen.add(`${scriptId} ${startOffset} ${Math.min(8, 31 - Math.clz32(count))}`);
    }
    return this.#seen.size - before;
  }
}
