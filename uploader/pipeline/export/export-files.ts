/**
 * The files that are generated from a run's event files, in the state directory, under their paths in the run: `events/metric/loss.plx`.
 *
 * They grow, or are replaced as a whole, and are removed once the run is complete. On opening, bytes past the saved state are truncated, because the export writes them again.
 */

import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { ExportOutput } from '../../../src/polyaxon/export/exporter.js';
import { ASSETS_DIRECTORY, EVENTS_DIRECTORY, RESOURCES_DIRECTORY } from '../../../src/polyaxon/names.js';
import type { FileStat, FileSystem } from '../../base/io/file-system.js';
import { makeDirectories } from '../../base/io/make-directories.js';
import { isAbsent } from '../../base/io/system-error.js';
import { removeFile } from '../../base/io/whole-file.js';
import type { Content, SavedExport } from './saved-state.js';

type GeneratedContent = Pick<ExportOutput, 'appends' | 'assets'>;

/** Returns whether the store has a generated file of this size. */
export type IsStored = (path: string, sizeBytes: number) => boolean;

const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;
const READ_BYTES = 1024 * 1024;

export class ExportFiles {
  readonly directory: string;
  /** Event files in Polyaxon's format, by path. */
  readonly files = new Map<string, Content>();
  /** All assets ever generated, by path. Stored ones may have been removed from disk. */
  readonly assets = new Map<string, Content>();
  /** Event files that were removed from disk because they are stored. They cannot grow: everything is regenerated first. */
  readonly #removed = new Set<string>();
  readonly #fileSystem: FileSystem;
  readonly #directories = new Set<string>();

  constructor(fileSystem: FileSystem, directory: string) {
    this.#fileSystem = fileSystem;
    this.directory = directory;
  }

  /** Restores the saved state and removes all other files. Returns false when the files do not match it and must be regenerated. */
  async restore({ files, assets }: SavedExport, isStored: IsStored): Promise<boolean> {
    for (const [known, contents] of [[this.files, files] as const, [this.assets, assets] as const])
      for (const [path, content] of contents) {
        const found = await this.#cutTo(path, content);
        if (found === 'differs' || (found === 'absent' && !isStored(path, content.sizeBytes))) return false;
        if (found === 'absent' && known === this.files) this.#removed.add(path);
        known.set(path, content);
      }
    for (const path of await this.#list())
      if (!this.files.has(path) && !this.assets.has(path)) await this.#removeFile(path);
    return true;
  }

  get areAllRemoved(): boolean {
    return this.#removed.size === this.files.size;
  }

  /** Whether new rows can be appended. If not, a file that they belong to was removed from disk. */
  canAppend(appends: GeneratedContent['appends']): boolean {
    return appends.every(({ path }) => !this.#removed.has(path));
  }

  async clear(): Promise<void> {
    this.files.clear();
    this.assets.clear();
    this.#removed.clear();
    for (const path of await this.#list()) await this.#removeFile(path);
  }

  /** Writes new output. Assets come first, so that no row names a file that does not exist. */
  async write({ appends, assets }: GeneratedContent): Promise<void> {
    for (const { path, bytes } of assets) {
      await this.#removeFile(path); // a file of an earlier process
      await this.#append(path, bytes);
      this.assets.set(path, { sizeBytes: bytes.length, crc32: crc32(bytes) });
    }
    for (const { path, offset, bytes } of appends) {
      if (offset === 0) {
        await this.#removeFile(path);
        this.files.delete(path);
      }
      const before = this.files.get(path) ?? { sizeBytes: 0, crc32: 0 };
      if (before.sizeBytes !== offset)
        throw new Error(`${path} has ${before.sizeBytes} bytes, the export continues at ${offset}`);
      await this.#append(path, bytes);
      this.files.set(path, { sizeBytes: offset + bytes.length, crc32: crc32(bytes, before.crc32) });
    }
  }

  /** Returns those of `paths` that exist, with their `lstat`. */
  async check(paths: readonly string[]): Promise<[path: string, stat: FileStat][]> {
    const stats = await this.#fileSystem.lstatAll(paths.map((path) => this.#toPath(path)));
    return stats.flatMap((stat, index): [string, FileStat][] =>
      stat instanceof Error ? [] : [[paths[index]!, stat]],
    );
  }

  /** Removes the local copy of a file that is stored. */
  async removeStored(path: string): Promise<void> {
    await this.#removeFile(path);
    if (this.files.has(path)) this.#removed.add(path);
  }

  #removeFile(path: string): Promise<void> {
    return removeFile(this.#fileSystem, this.#toPath(path));
  }

  async #cutTo(
    path: string,
    { sizeBytes, crc32: expected }: Content,
  ): Promise<'fits' | 'differs' | 'absent'> {
    try {
      const file = await this.#fileSystem.openForUpdate(this.#toPath(path));
      try {
        const found = (await file.stat()).sizeBytes;
        if (found < sizeBytes) return 'differs';
        let crc = 0;
        const buffer = Buffer.allocUnsafe(Math.min(sizeBytes, READ_BYTES));
        for (let at = 0; at < sizeBytes; ) {
          const count = await file.read(buffer.subarray(0, Math.min(buffer.length, sizeBytes - at)), at);
          if (count === 0) return 'differs';
          crc = crc32(buffer.subarray(0, count), crc);
          at += count;
        }
        if (crc !== expected) return 'differs';
        if (found > sizeBytes) await file.truncate(sizeBytes);
        return 'fits';
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isAbsent(error)) return 'absent';
      throw error;
    }
  }

  async #append(path: string, bytes: Uint8Array): Promise<void> {
    await this.#makeDirectory(path);
    const file = await this.#fileSystem.openForWriting(this.#toPath(path), 'append', FILE_MODE);
    try {
      await file.append(bytes);
    } finally {
      await file.close();
    }
  }

  async #makeDirectory(path: string): Promise<void> {
    const directory = dirname(this.#toPath(path));
    if (this.#directories.has(directory)) return;
    await makeDirectories(this.#fileSystem, directory, DIRECTORY_MODE);
    this.#directories.add(directory);
  }

  /** Returns the paths of all files on disk: `<directory>/<kind>/<name>`. */
  async #list(): Promise<string[]> {
    const paths: string[] = [];
    for (const directory of [EVENTS_DIRECTORY, RESOURCES_DIRECTORY, ASSETS_DIRECTORY])
      for (const kind of await this.#names(directory))
        for (const name of await this.#names(`${directory}/${kind}`))
          paths.push(`${directory}/${kind}/${name}`);
    return paths;
  }

  async #names(path: string): Promise<string[]> {
    try {
      const names = await this.#fileSystem.readDirectory(this.#toPath(path));
      return names.map((name) => name.toString('utf8'));
    } catch (error) {
      if (isAbsent(error)) return [];
      throw error;
    }
  }

  #toPath(path: string): string {
    return `${this.directory}/${path}`;
  }
}
