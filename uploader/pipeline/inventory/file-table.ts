/**
 * A table with one row for each file that the uploader knows, in numeric columns: less than 200 bytes per file, so that a tree of
 * 100,000 files needs 20 MB and not 200 MB.
 *
 * Rows are never renumbered, because queues and sets hold row numbers; a released row is used again for another file. Data that few files
 * have, such as an open intent, is kept in maps by row number.
 */

import { EtagColumn } from './etag-column.js';
import { hashBytes, NameStore } from './name-store.js';

/** The number of a row. */
export type FileId = number;
/** The number of a directory that has files of a run. */
export type FolderId = number;

export const FLAG = {
  /** The last scan found the file, and it is not excluded. */
  onDisk: 1,
  /** `crc`, `file…` and `object…` describe the last acknowledged commit. */
  journalled: 2,
  /** The store has an object under the key, as described by `object…`, as far as is known. */
  stored: 4,
  /** The object in the store is not the acknowledged one. */
  replaced: 8,
  /** The acknowledged bytes may differ from the file: it changed too recently to trust its timestamps, or was only sampled. */
  recent: 16,
  /** The last scan found the acknowledged version. */
  same: 32,
  /** The file needs an upload or a verification. */
  dirty: 64,
  /** The file is queued or being processed. */
  taken: 128,
  /** The file has grown with its old content unchanged, so its object is extended from now on. */
  appends: 256,
  /** A listing of the store, or a request for this key, has returned the state of its object. */
  listed: 512,
  /** The uploader has generated the file from event files; the run's writer has not written it. */
  generated: 1024,
  /** The store has acknowledged or confirmed the version in `file…` in this process. */
  acknowledged: 2048,
} as const;

const NONE = 0xffffffff;
/** Length of the name of a released row; real names are far shorter. */
const RELEASED = 0xffff;
const FIRST_ROWS = 256;
const FIRST_NAME_BYTES = 1024;
/** Minimum number of slots in the hash index for each row. */
const INDEX_RATIO = 1.5;

export class FileTable {
  /** Number of rows, including released ones, which have no flags. */
  count = 0;
  folder = new Uint32Array(FIRST_ROWS);
  flags = new Uint16Array(FIRST_ROWS);
  generation = new Uint16Array(FIRST_ROWS);
  /** Size at the last scan. */
  seenBytes = new Float64Array(FIRST_ROWS);
  /** A hash of both timestamps and the inode at the last scan: shows whether the file changed, not when. */
  seenStamp = new Uint32Array(FIRST_ROWS);
  /** The low bits of the inode at the last scan: shows whether the file may have had another name. */
  seenIno = new Uint32Array(FIRST_ROWS);
  /** When the last change, and the first change that is not stored, were seen: in ticks of the inventory. */
  changedAt = new Uint32Array(FIRST_ROWS);
  dirtySince = new Uint32Array(FIRST_ROWS);
  /** The acknowledged version of the file. */
  fileBytes = new Float64Array(FIRST_ROWS);
  mtimeNs = new BigInt64Array(FIRST_ROWS);
  ctimeNs = new BigInt64Array(FIRST_ROWS);
  ino = new BigUint64Array(FIRST_ROWS);
  crc = new Uint32Array(FIRST_ROWS);
  objectBytes = new Float64Array(FIRST_ROWS);
  readonly etags = new EtagColumn();
  #names = new NameStore();
  readonly #free: FileId[] = [];
  /** Bytes of the names of released rows. */
  #releasedNameBytes = 0;
  /** The name to search for. */
  #name = Buffer.allocUnsafeSlow(FIRST_NAME_BYTES);
  #nameStart = new Uint32Array(FIRST_ROWS);
  #nameBytes = new Uint16Array(FIRST_ROWS);
  #nextInFolder = new Uint32Array(FIRST_ROWS);
  readonly #firstInFolder: number[] = [];
  #lastInterned = -1;
  /** Hash index with open addressing: row + 1; 0 for a free slot. */
  #index = new Uint32Array(1024);

  /** Returns the row of a name in a folder; undefined when it has none. */
  find(folder: FolderId, name: string): FileId | undefined {
    const found = this.#index[this.#placeOf(folder, this.#encode(name))]!;
    return found === 0 ? undefined : found - 1;
  }

  /** Returns the row of a name in a folder; adds one if it has none. */
  intern(folder: FolderId, name: string): FileId {
    const nameBytes = this.#encode(name);
    // Directories usually list their names in the same order each time.
    const next = this.#lastInterned + 1;
    const isNext = next < this.count && this.folder[next] === folder && this.#isNamed(next, nameBytes);
    this.#lastInterned = isNext ? next : this.#findOrAdd(folder, nameBytes);
    return this.#lastInterned;
  }

  #findOrAdd(folder: FolderId, nameBytes: number): FileId {
    const place = this.#placeOf(folder, nameBytes);
    const found = this.#index[place]!;
    return found === 0 ? this.#add(folder, nameBytes, place) : found - 1;
  }

  nameOf(id: FileId): string {
    return this.#names.get(this.#nameStart[id]!, this.#nameBytes[id]!);
  }

  /** Number of rows in use. */
  get size(): number {
    return this.count - this.#free.length;
  }

  /** Releases all rows of their folders. The caller has forgotten their numbers. */
  release(ids: readonly FileId[]): void {
    for (const id of ids) {
      this.flags[id] = 0;
      this.generation[id] = 0;
      this.seenBytes[id] = 0;
      this.objectBytes[id] = 0;
      this.etags.set(id, '');
      this.#firstInFolder[this.folder[id]!] = NONE;
      this.#releasedNameBytes += this.#nameBytes[id]!;
      this.#nameBytes[id] = RELEASED;
      this.#free.push(id);
    }
    this.#lastInterned = -1;
    this.#rebuildIndex(this.#index.length);
    if (this.#releasedNameBytes > this.#names.sizeBytes / 2) this.#compactNames();
  }

  *inFolder(folder: FolderId): Generator<FileId> {
    for (let id = this.#firstInFolder[folder] ?? NONE; id !== NONE; id = this.#nextInFolder[id]!) yield id;
  }

  has(id: FileId, flag: number): boolean {
    return (this.flags[id]! & flag) !== 0;
  }

  set(id: FileId, flag: number, isSet = true): void {
    this.flags[id] = isSet ? this.flags[id]! | flag : this.flags[id]! & ~flag;
  }

  /** Writes a name into `#name` and returns its length in bytes. Reuses the buffer, because each scan encodes the name of each file. */
  #encode(name: string): number {
    if (name.length * 3 > this.#name.length) this.#name = Buffer.allocUnsafeSlow(name.length * 3);
    const bytes = this.#name;
    for (let index = 0; index < name.length; index += 1) {
      const code = name.charCodeAt(index);
      if (code >= 0x80) return bytes.write(name);
      bytes[index] = code;
    }
    return name.length;
  }

  #add(folder: FolderId, nameBytes: number, place: number): FileId {
    const id = this.#free.pop() ?? this.#addRow();
    this.folder[id] = folder;
    this.#nameStart[id] = this.#names.add(this.#name.subarray(0, nameBytes));
    this.#nameBytes[id] = nameBytes;
    this.#nextInFolder[id] = this.#firstInFolder[folder] ?? NONE;
    this.#firstInFolder[folder] = id;
    this.#index[place] = id + 1;
    if (this.count * INDEX_RATIO > this.#index.length)
      this.#rebuildIndex(Math.ceil(this.count * INDEX_RATIO * 1.5));
    return id;
  }

  #addRow(): FileId {
    if (this.count === this.folder.length) this.#growRows();
    this.count += 1;
    return this.count - 1;
  }

  /** Returns the slot where the row of the name in `#name` is, or would be. */
  #placeOf(folder: FolderId, nameBytes: number): number {
    const size = this.#index.length;
    let place = hashBytes(this.#name, 0, nameBytes, folder) % size;
    for (let found = this.#index[place]!; found !== 0; found = this.#index[place]!) {
      if (this.folder[found - 1] === folder && this.#isNamed(found - 1, nameBytes)) return place;
      place = (place + 1) % size;
    }
    return place;
  }

  #isNamed(id: FileId, nameBytes: number): boolean {
    return this.#names.isAt(this.#nameStart[id]!, this.#nameBytes[id]!, this.#name, nameBytes);
  }

  #rebuildIndex(size: number): void {
    const larger = new Uint32Array(size);
    for (let id = 0; id < this.count; id += 1) {
      if (this.#nameBytes[id] === RELEASED) continue;
      const hash = this.#names.hashAt(this.#nameStart[id]!, this.#nameBytes[id]!, this.folder[id]!);
      let place = hash % larger.length;
      while (larger[place] !== 0) place = (place + 1) % larger.length;
      larger[place] = id + 1;
    }
    this.#index = larger;
  }

  #compactNames(): void {
    const names = new NameStore();
    for (let id = 0; id < this.count; id += 1)
      if (this.#nameBytes[id] !== RELEASED)
        this.#nameStart[id] = names.add(this.#names.slice(this.#nameStart[id]!, this.#nameBytes[id]!));
    this.#names = names;
    this.#releasedNameBytes = 0;
  }

  #growRows(): void {
    const rows = Math.ceil(this.count * 1.5);
    this.folder = grown(this.folder, new Uint32Array(rows));
    this.flags = grown(this.flags, new Uint16Array(rows));
    this.generation = grown(this.generation, new Uint16Array(rows));
    this.seenBytes = grown(this.seenBytes, new Float64Array(rows));
    this.seenStamp = grown(this.seenStamp, new Uint32Array(rows));
    this.seenIno = grown(this.seenIno, new Uint32Array(rows));
    this.changedAt = grown(this.changedAt, new Uint32Array(rows));
    this.dirtySince = grown(this.dirtySince, new Uint32Array(rows));
    this.fileBytes = grown(this.fileBytes, new Float64Array(rows));
    this.mtimeNs = grown(this.mtimeNs, new BigInt64Array(rows));
    this.ctimeNs = grown(this.ctimeNs, new BigInt64Array(rows));
    this.ino = grown(this.ino, new BigUint64Array(rows));
    this.crc = grown(this.crc, new Uint32Array(rows));
    this.objectBytes = grown(this.objectBytes, new Float64Array(rows));
    this.#nameStart = grown(this.#nameStart, new Uint32Array(rows));
    this.#nameBytes = grown(this.#nameBytes, new Uint16Array(rows));
    this.#nextInFolder = grown(this.#nextInFolder, new Uint32Array(rows));
  }
}

function grown<Column extends { set(from: Column): void }>(column: Column, larger: Column): Column {
  larger.set(column);
  return larger;
}
