/**
 * Opens the runs of a store for `loadRuns(url)`, when the first run is asked for.
 *
 * The tracking library does not import the uploader, which knows stores. It loads the uploader by the name of its entry point, as a program would
 * (docs/decisions/0071). The name is a variable, so that a bundler leaves the uploader out of programs that never read from a store.
 */

import { LibraryMissingError } from '../base/errors.js';
import type { RunSource } from './run-source.js';

const UPLOADER: string = 'polytrack/uploader';

interface UploaderDoor {
  openRunSource(url: string): Promise<RunSource>;
}

export function createStoreSource(url: string): RunSource {
  let opened: Promise<RunSource> | undefined;
  const open = async (): Promise<RunSource> => {
    opened ??= openSource(url);
    try {
      return await opened;
    } catch (error) {
      opened = undefined;
      throw error;
    }
  };
  return {
    location: url,
    listRuns: async function* (options) {
      yield* (await open()).listRuns(options);
    },
    close: async () => {
      const source = await opened;
      opened = undefined;
      await source?.close();
    },
  };
}

async function openSource(url: string): Promise<RunSource> {
  let door: UploaderDoor;
  try {
    door = (await import(UPLOADER)) as UploaderDoor;
  } catch (cause) {
    throw new LibraryMissingError(UPLOADER, 'polytrack', { cause });
  }
  return door.openRunSource(url);
}
