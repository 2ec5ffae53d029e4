/**
 * The keys of segments: `<run>/.plx/seg/<path>/<number of restarts>/<offset, 20 digits>-<length>`. A file is its object followed by the
 * segments of the same number of restarts, in the order of their names.
 */

import { RESERVED_DIRECTORY } from './rel-path.js';

const OFFSET_DIGITS = 20;

export interface SegmentPlace {
  readonly path: string;
  /** How often the file was restarted before. */
  readonly generation: number;
  readonly start: number;
  readonly end: number;
}

export function toSegmentKey(runUuid: string, { path, generation, start, end }: SegmentPlace): string {
  const name = `${String(start).padStart(OFFSET_DIGITS, '0')}-${end - start}`;
  return `${toSegmentPrefix(runUuid, path)}${generation}/${name}`;
}

export function toSegmentPrefix(runUuid: string, relPath: string): string {
  return `${runUuid}/${RESERVED_DIRECTORY}/seg/${relPath}/`;
}

/** Parses a key that `toSegmentKey` returned; null for any other key. */
export function parseSegmentKey(runUuid: string, key: string): SegmentPlace | null {
  const prefix = `${runUuid}/${RESERVED_DIRECTORY}/seg/`;
  const match = key.startsWith(prefix) && /^(.+)\/(\d+)\/(\d{20})-(\d+)$/.exec(key.slice(prefix.length));
  if (!match) return null;
  const [, path = '', generation, start, length] = match;
  return {
    path,
    generation: Number(generation),
    start: Number(start),
    end: Number(start) + Number(length),
  };
}
