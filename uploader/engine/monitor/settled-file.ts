/**
 * The status of settled runs: complete runs, whose status rarely changes. It is kept beside the status file, which is written every few
 * seconds, so that writing costs depend on what changes and not on how many runs exist.
 *
 * One line for each change; the last line of a run counts. Rewritten once most lines are outdated.
 */

import type { FileSystem } from '../../base/io/file-system.js';
import { readWholeFile } from '../../base/io/whole-file.js';

/** A run, by its uuid. */
interface Run {
  readonly uuid: string;
}

type Line = Run | { readonly gone: string };

const FILE_MODE = 0o600;
const MAX_FILE_BYTES = 256 * 1024 * 1024;
const REWRITE_RATIO = 2;
const REWRITE_ABOVE_BYTES = 64 * 1024;

export class SettledFile {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  /** The last line of each run. */
  readonly #lines = new Map<string, string>();
  /** The last status of each run: the same object has the same line. */
  readonly #runs = new Map<string, Run>();
  #liveBytes = 0;
  /** Null when the file must be rewritten. */
  #fileBytes: number | null = null;

  constructor(fileSystem: FileSystem, path: string) {
    this.#fileSystem = fileSystem;
    this.#path = path;
  }

  /** Writes what has changed. Rejects with the error of the file system; the next call then writes everything. */
  async update(runs: readonly Run[]): Promise<void> {
    const changed: string[] = [];
    const gone = new Set(this.#lines.keys());
    for (const run of runs) {
      gone.delete(run.uuid);
      if (this.#runs.get(run.uuid) === run) continue;
      this.#runs.set(run.uuid, run);
      const line = toLine(run);
      if (this.#lines.get(run.uuid) !== line) changed.push(line);
      this.#keep(run.uuid, line);
    }
    for (const uuid of gone) {
      changed.push(toLine({ gone: uuid }));
      this.#keep(uuid, null);
    }
    if (changed.length === 0 && this.#fileBytes !== null) return;
    const bytes = Buffer.from(changed.join(''));
    const fileBytes = (this.#fileBytes ?? Number.POSITIVE_INFINITY) + bytes.length;
    this.#fileBytes = null;
    if (fileBytes > REWRITE_RATIO * this.#liveBytes + REWRITE_ABOVE_BYTES)
      this.#fileBytes = await this.#rewrite();
    else {
      await this.#write(this.#path, 'append', bytes);
      this.#fileBytes = fileBytes;
    }
  }

  #keep(uuid: string, line: string | null): void {
    this.#liveBytes += (line?.length ?? 0) - (this.#lines.get(uuid)?.length ?? 0);
    if (line !== null) this.#lines.set(uuid, line);
    else {
      this.#lines.delete(uuid);
      this.#runs.delete(uuid);
    }
  }

  async #rewrite(): Promise<number> {
    const temporaryPath = `${this.#path}.partial`;
    await this.#fileSystem.unlink(temporaryPath).catch(() => undefined); // usually there is none
    const bytes = Buffer.from([...this.#lines.values()].join(''));
    await this.#write(temporaryPath, 'create', bytes);
    await this.#fileSystem.rename(temporaryPath, this.#path);
    return bytes.length;
  }

  async #write(path: string, how: 'append' | 'create', bytes: Buffer): Promise<void> {
    const file = await this.#fileSystem.openForWriting(path, how, FILE_MODE);
    try {
      await file.append(bytes);
    } finally {
      await file.close();
    }
  }
}

/** Reads the file. Empty when it does not exist. */
export async function readSettled<Status extends Run>(
  fileSystem: FileSystem,
  path: string,
): Promise<Status[]> {
  const runs = new Map<string, Status>();
  try {
    const text = (await readWholeFile(fileSystem, path, MAX_FILE_BYTES)).toString('utf8');
    // The part after the last line feed is a line that is being written.
    for (const line of text.split('\n').slice(0, -1)) {
      const value = JSON.parse(line) as Status | { readonly gone: string };
      if ('gone' in value) runs.delete(value.gone);
      else runs.set(value.uuid, value);
    }
  } catch {
    // It does not exist, or an append failed in the middle of a line: the uploader writes it again.
  }
  return [...runs.values()];
}

function toLine(line: Line): string {
  return `${JSON.stringify(line)}\n`;
}
