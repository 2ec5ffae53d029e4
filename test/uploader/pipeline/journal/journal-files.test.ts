import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../../../uploader/base/io/node-file-system.js';
import { encodeJournalLine, JOURNAL_VERSION } from '../../../../uploader/pipeline/journal/journal-codec.js';
import type { JournalEntry, JournalRecord } from '../../../../uploader/pipeline/journal/journal-entry.js';
import { replayFiles } from '../../../../uploader/pipeline/journal/journal-files.js';
import { toStatePathsIn } from '../../../../uploader/pipeline/journal/state-directory.js';
import { createTempDir } from '../../../support/temp-dir.js';

const RUN = '0'.repeat(32);
const OWNER = { rootKey: 'root', hostId: 'host' };
const HEADER = { kind: 'header', version: JOURNAL_VERSION, ...OWNER } as const;

function done(name: string): JournalRecord {
  const file = { sizeBytes: 3, mtimeNs: 5n, ctimeNs: 6n, ino: 7n };
  const object = { etag: 'e', sizeBytes: 3 };
  return { kind: 'done', entry: { key: `${RUN}/${name}`, file, crc32: 1, object, isRecent: false } };
}

/** Replays files with these records, in the order of their names. */
async function replay(files: Readonly<Record<string, readonly JournalRecord[]>>) {
  const directory = createTempDir();
  for (const [name, records] of Object.entries(files))
    writeFileSync(
      join(directory, name),
      Buffer.concat(records.map((each, seq) => encodeJournalLine(seq, each))),
    );
  const entries: JournalEntry[] = [];
  const sink = { onEntry: (entry: JournalEntry) => entries.push(entry), onSegment: () => undefined };
  const replayed = await replayFiles(nodeFileSystem, toStatePathsIn(directory, 'root'), OWNER, sink);
  return { ...replayed, names: entries.map(({ key }) => key.slice(RUN.length + 1)) };
}

describe('replayFiles', () => {
  it('leaves out what is older than a complete snapshot', async () => {
    const snapshot = [{ ...HEADER, isSnapshot: true }, done('kept'), { kind: 'snapshot-end' } as const];

    expect(
      await replay({
        'journal-000001': [HEADER, done('forgotten')],
        'journal-000002': snapshot,
        'journal-000003': [HEADER, done('later')],
      }),
    ).toMatchObject({ names: ['kept', 'later'], numbers: [1, 2, 3], damagedAt: null });
  });

  it('ignores parts and uploads of a commit that is not open', async () => {
    const part = { number: 1, sizeBytes: 5, crc32: 1, etag: 'p' };

    expect(
      await replay({
        'journal-000001': [
          HEADER,
          { kind: 'part', tx: 'settled', part },
          { kind: 'mpu', tx: 'settled', uploadId: 'u' },
          { kind: 'drop', tx: 'settled' },
          done('a'),
        ],
      }),
    ).toMatchObject({ names: ['a'], openIntents: [], damagedAt: null });
  });

  it('throws if a file cannot be read', async () => {
    const directory = createTempDir();
    mkdirSync(join(directory, 'journal-000001'));
    const sink = { onEntry: () => undefined, onSegment: () => undefined };

    await expect(
      replayFiles(nodeFileSystem, toStatePathsIn(directory, 'root'), OWNER, sink),
    ).rejects.toMatchObject({
      code: 'ERR_STATE_DIR',
      message: expect.stringContaining('read the journal'),
      cause: expect.any(Error),
    });
  });
});
