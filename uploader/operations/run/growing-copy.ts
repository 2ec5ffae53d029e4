/** Copies a file that another program appends to. */

import { type FileHandle, open } from 'node:fs/promises';

const CHUNK_BYTES = 1024 * 1024;

export interface GrowingCopy {
  /** The file that is copied. */
  readonly path: string;
  /** Copies the bytes that were appended since the last call. */
  update(): Promise<void>;
}

/** Creates the copy. Fails with `EEXIST` if `newPath` exists. Opens files only while it copies. */
export async function openGrowingCopy(path: string, newPath: string): Promise<GrowingCopy> {
  await (await open(newPath, 'wx')).close();
  let position = 0;
  return {
    path,
    async update() {
      const source = await openIfPresent(path);
      if (source === undefined) return;
      try {
        const { size } = await source.stat();
        if (size < position) throw new Error(`it was truncated to ${size} bytes; its copy has ${position}`);
        if (size > position) position = await append(source, position, newPath);
      } finally {
        await source.close();
      }
    },
  };
}

async function append(source: FileHandle, start: number, newPath: string): Promise<number> {
  const target = await open(newPath, 'a');
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let position = start;
  try {
    for (;;) {
      const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES, position);
      if (bytesRead === 0) return position;
      await target.writeFile(buffer.subarray(0, bytesRead));
      position += bytesRead;
    }
  } finally {
    await target.close();
  }
}

async function openIfPresent(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined; // The program has removed it: the copy is complete.
    throw error;
  }
}
