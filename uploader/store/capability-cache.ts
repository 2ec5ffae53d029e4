/**
 * Keeps what has been learned about a store in the state directory, so that the next process does not repeat requests that the store rejects. Each
 * answer is used for a week. If the file is lost or damaged, the answers are learned again.
 */

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { inBackground } from '../../src/base/background.js';
import type { Io } from '../base/io/io.js';
import { makeDirectories } from '../base/io/make-directories.js';
import { readWholeFile, replaceFile } from '../base/io/whole-file.js';
import type { LearnedAnswer } from './base/learned-answers.js';
import type { Store } from './base/store.js';

const FORMAT_VERSION = 2;
const MAX_AGE_S = 7 * 24 * 3600;
const MAX_FILE_BYTES = 64 * 1024;
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

interface CachePlace {
  readonly io: Io;
  readonly stateDirectory: string;
}

/** Gives the store the answers of earlier processes. */
export async function readAnswers({ id, learned }: Store, { io, stateDirectory }: CachePlace): Promise<void> {
  if (learned === undefined) return;
  try {
    const { path } = toPlace(id, stateDirectory);
    const text = (await readWholeFile(io.fileSystem, path, MAX_FILE_BYTES)).toString('utf8');
    const { version, store, answers } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    if (version !== FORMAT_VERSION || store !== id || typeof answers !== 'object' || answers === null) return;
    const nowSeconds = io.clock.wallTime();
    learned.adopt(
      Object.entries(answers).filter((entry): entry is [string, LearnedAnswer] =>
        isFresh(entry[1], nowSeconds),
      ),
    );
  } catch {
    // Missing or damaged.
  }
}

/** Writes the answers to the state directory. False when it is not writable. */
export async function writeAnswers(
  { id, learned }: Store,
  { io, stateDirectory }: CachePlace,
): Promise<boolean> {
  const { directory, path } = toPlace(id, stateDirectory);
  const entry = { version: FORMAT_VERSION, store: id, answers: Object.fromEntries(learned?.entries ?? []) };
  try {
    await makeDirectories(io.fileSystem, directory, DIRECTORY_MODE);
    const temporaryPath = `${path}.${io.randomness.id()}.partial`;
    const bytes = Buffer.from(`${JSON.stringify(entry, null, 2)}\n`);
    await replaceFile(io.fileSystem, { directory, path, temporaryPath }, bytes, FILE_MODE);
    return true;
  } catch {
    return false; // a sync reports the unwritable directory when it takes its lock
  }
}

/** Writes the answers now, and after each change. Changes during a write are written together. */
export function keepAnswers(store: Store, place: CachePlace): void {
  let isChanged = false;
  let isWriting = false;
  const write = async (): Promise<void> => {
    while (isChanged) {
      isChanged = false;
      await writeAnswers(store, place);
    }
    isWriting = false;
  };
  const onChange = (): void => {
    isChanged = true;
    if (isWriting) return;
    isWriting = true;
    inBackground(write());
  };
  store.learned?.onChange(onChange);
  if (store.learned !== undefined && store.learned.entries.length > 0) onChange();
}

function isFresh(answer: unknown, nowSeconds: number): answer is LearnedAnswer {
  if (typeof answer !== 'object' || answer === null) return false;
  const { is, atSeconds } = answer as Readonly<Record<string, unknown>>;
  if ((is !== 'yes' && is !== 'no') || typeof atSeconds !== 'number') return false;
  return atSeconds <= nowSeconds && nowSeconds - atSeconds <= MAX_AGE_S;
}

function toPlace(storeId: string, stateDirectory: string): { directory: string; path: string } {
  const directory = join(stateDirectory, 'stores');
  const name = createHash('sha256').update(storeId).digest('hex').slice(0, 32);
  return { directory, path: join(directory, `${name}.json`) };
}
