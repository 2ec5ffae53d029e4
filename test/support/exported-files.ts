/** Assembles the output of an export like a disk: appends at their offsets, and assets that are written once. */

import { expect } from 'vitest';
import type { Exporter, ExportNotice } from '../../src/polyaxon/export/exporter.js';

export class ExportedFiles {
  readonly #files = new Map<string, Uint8Array>();
  readonly inputs: Record<string, unknown> = {};
  readonly notices: ExportNotice[] = [];

  /** Takes the pending output of an exporter. Checks that it overwrites nothing and leaves no gaps. */
  take(exporter: Exporter): this {
    const { appends, assets, inputs, notices } = exporter.take();
    for (const { path, bytes } of assets) {
      expect(this.#files.has(path), `${path} is written once`).toBe(false);
      this.#files.set(path, bytes);
    }
    for (const { path, offset, bytes } of appends) {
      const before = this.#files.get(path) ?? new Uint8Array();
      expect(offset, `${path} is appended to at its end`).toBe(before.length);
      expect(bytes.length, path).toBeGreaterThan(0);
      this.#files.set(path, Buffer.concat([before, bytes]));
    }
    Object.assign(this.inputs, inputs);
    this.notices.push(...notices);
    return this;
  }

  /** Paths of all files, sorted. */
  get paths(): string[] {
    return [...this.#files.keys()].sort();
  }

  bytes(path: string): Uint8Array {
    const bytes = this.#files.get(path);
    if (bytes === undefined) throw new Error(`${path} not found; files: ${this.paths.join(', ')}`);
    return bytes;
  }

  text(path: string): string {
    return Buffer.from(this.bytes(path)).toString('utf8');
  }

  /** Returns all files as comparable text: UTF-8 for events, hexadecimal for assets. */
  toObject(): Record<string, string> {
    const texts = this.paths.map((path): [string, string] => [
      path,
      path.startsWith('assets/') ? Buffer.from(this.bytes(path)).toString('hex') : this.text(path),
    ]);
    return Object.fromEntries(texts);
  }
}
