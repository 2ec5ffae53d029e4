/**
 * All files that the uploader knows of, a row each, in columns of numbers: below 200 bytes a file, so that a tree of 100,000 files
 * costs 20 MB and not 200.
 *
 * A row is never removed and its number never changes: queues, sets and the journal hold numbers. What only few files have
 * (the state of an append, an open intent) is kept beside the table, by number.
 */

import { EtagColumn } from './etag-column.js';
import { hashBytes, NameStore } from './name-store.js';

/** A row. */
export type FileId = number;
/** A directory of a run that has files. */
export type FolderId = number;

export const FLAG = {
  /** Was there at the last look, and is to be sent. */
  onDisk: 1,
  /** `crc`, `file…` and `object…` are what was acknowledged. */
  journalled: 2,
  /** `object…` is what the store has under the key, as far as is known. */
  stored: 4,
  /** The object is not the one that was acknowledged. */
  replaced: 8,
  /** Not all acknowledged bytes are proven to be those of the file: equal time stamps prove nothing, or only its ends were compared. */
  recent: 16,
  /** The last look found the version that was acknowledged. */
  same: 32,
  /** There is something to do. */
  dirty: 64,
  /** It waits in the queue, or is being worked on. */
  taken: 128,
  /** It has grown with its old content unchanged: it is extended in the store from now on. */
  appends: 256,
  /** The store has listed it. */
  listed: 512,
  /** It is no file of the run's writer: the uploader has made it of event files. */
  generated: 1024,
} as const;

const NONE = 0xffffffff;
const FIRST_ROWS = 256;
const FIRST_NAME_BYTES = 1024;
/** Rows of the hash index for each row of the table, at least. */
const INDEX_RATIO = 1.5;

export class FileTable {
  count = 0;
  folder = new Uint32Array(FIRST_ROWS);
  flags = new Uint16Array(FIRST_ROWS);
  generation = new Uint16Array(FIRST_ROWS);
  /** Size at the last look. */
  seenBytes = new Float64Array(FIRST_ROWS);
  /** The low bits of both time stamps at the last look: whether something changed since, not when. */
  seenStamp = new Uint32Array(FIRST_ROWS);
  /** The low bits of its inode at the last look: whether it may be a file that had another name. */
  seenIno = new Uint32Array(FIRST_ROWS);
  /** When the last change was seen, and the first one that is not stored: ticks of the tracker. */
  changedAt = new Uint32Array(FIRST_ROWS);
  dirtySince = new Uint32Array(FIRST_ROWS);
  /** The version of the file that was acknowledged. */
  fileBytes = new Float64Array(FIRST_ROWS);
  mtimeNs = new BigInt64Array(FIRST_ROWS);
  ctimeNs = new BigInt64Array(FIRST_ROWS);
  ino = new BigUint64Array(FIRST_ROWS);
  crc = new Uint32Array(FIRST_ROWS);
  objectBytes = new Float64Array(FIRST_ROWS);
  readonly etags = new EtagColumn();
  readonly #names = new NameStore();
  /** The name that is looked for. */
  #name = Buffer.allocUnsafeSlow(FIRST_NAME_BYTES);
  #nameStart = new Uint32Array(FIRST_ROWS);
  #nameBytes = new Uint16Array(FIRST_ROWS);
  #nextInFolder = new Uint32Array(FIRST_ROWS);
  readonly #firstInFolder: number[] = [];
  #lastInterned = -1;
  /** Open addressing: row + 1, 0 for a free place. */
  #index = new Uint32Array(1024);

  /** The row of a name in a folder; undefined when there is none. */
  find(folder: FolderId, name: string): FileId | undefined {
    const found = this.#index[this.#placeOf(folder, this.#encode(name))]!;
    return found === 0 ? undefined : found - 1;
  }

  /** The row of a name in a folder, made if there is none. */
  intern(folder: FolderId, name: string): FileId {
    const nameBytes = this.#encode(name);
    // A directory gives its names in the same order each time, as a rule.
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

  *inFolder(folder: FolderId): Generator<FileId> {
    for (let id = this.#firstInFolder[folder] ?? NONE; id !== NONE; id = this.#nextInFolder[id]!) yield id;
  }

  has(id: FileId, flag: number): boolean {
    return (this.flags[id]! & flag) !== 0;
  }

  set(id: FileId, flag: number, isSet = true): void {
    this.flags[id] = isSet ? this.flags[id]! | flag : this.flags[id]! & ~flag;
  }

  /** Writes a name into `#name`, and returns its length in bytes. At every look at every file: a buffer for each would be most of the garbage. */
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
    if (this.count === this.folder.length) this.#growRows();
    const id = this.count;
    this.count += 1;
    this.folder[id] = folder;
    this.#nameStart[id] = this.#names.add(this.#name.subarray(0, nameBytes));
    this.#nameBytes[id] = nameBytes;
    this.#nextInFolder[id] = this.#firstInFolder[folder] ?? NONE;
    this.#firstInFolder[folder] = id;
    this.#index[place] = id + 1;
    if (this.count * INDEX_RATIO > this.#index.length) this.#growIndex();
    return id;
  }

  /** Where the row of the name in `#name` is, or would be. */
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

  #growIndex(): void {
    const larger = new Uint32Array(Math.ceil(this.count * INDEX_RATIO * 1.5));
    for (let id = 0; id < this.count; id += 1) {
      const hash = this.#names.hashAt(this.#nameStart[id]!, this.#nameBytes[id]!, this.folder[id]!);
      let place = hash % larger.length;
      while (larger[place] !== 0) place = (place + 1) % larger.length;
      larger[place] = id + 1;
    }
    this.#index = larger;
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
