/**
 * How far the files of alerts are delivered: one small file in the state directory, replaced after each delivery. A crash between a delivery and its
 * record repeats one alert.
 */

import { join } from 'node:path';
import { toCleanMap } from '../../src/base/clean-json.js';
import type { FileSystem } from '../base/io/file-system.js';
import { readWholeFile, replaceFile } from '../base/io/whole-file.js';

/** The bytes of a file that are delivered, and when the last of them was. */
interface Position {
  readonly offset: number;
  readonly deliveredMs: number;
}

const MAX_BYTES = 16 * 1024 * 1024;

export class AlertPositions {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #keepMs: number;
  #positions: Map<string, Position> | undefined;

  /** `keepMs`: alerts that are older are not delivered anyway, so positions need not be kept longer. */
  constructor(fileSystem: FileSystem, directory: string, keepMs: number) {
    this.#fileSystem = fileSystem;
    this.#directory = directory;
    this.#keepMs = keepMs;
  }

  async find(key: string): Promise<number> {
    this.#positions ??= await this.#read();
    return this.#positions.get(key)?.offset ?? 0;
  }

  async set(key: string, offset: number, nowMs: number): Promise<void> {
    this.#positions ??= await this.#read();
    this.#positions.set(key, { offset, deliveredMs: nowMs });
    for (const [each, { deliveredMs }] of this.#positions)
      if (nowMs - deliveredMs > this.#keepMs) this.#positions.delete(each);
    const bytes = Buffer.from(`${JSON.stringify(Object.fromEntries(this.#positions))}\n`);
    const path = join(this.#directory, 'alerts.json');
    await replaceFile(
      this.#fileSystem,
      { directory: this.#directory, path, temporaryPath: `${path}.partial` },
      bytes,
      0o600,
    );
  }

  async #read(): Promise<Map<string, Position>> {
    const positions = new Map<string, Position>();
    try {
      const bytes = await readWholeFile(this.#fileSystem, join(this.#directory, 'alerts.json'), MAX_BYTES);
      for (const [key, value] of Object.entries(toCleanMap(JSON.parse(bytes.toString('utf8'))))) {
        const { offset, deliveredMs } = toCleanMap(value);
        if (typeof offset === 'number' && typeof deliveredMs === 'number')
          positions.set(key, { offset, deliveredMs });
      }
    } catch {
      // It does not exist yet, or is damaged: alerts of the last day are delivered again.
    }
    return positions;
  }
}
