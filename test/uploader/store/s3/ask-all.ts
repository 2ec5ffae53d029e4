/** Asks a bucket all questions, as `polytrack check` does. Returns the keys of test objects that remain. */

import { PROBE_PREFIX } from '../../../../uploader/store/base/store.js';
import { S3Questions } from '../../../../uploader/store/s3/questions.js';
import type { S3Store } from '../../../../uploader/store/s3/s3-store.js';

export async function askAll(store: S3Store): Promise<{ mayAbort: boolean | null; remaining: string[] }> {
  const questions = new S3Questions(store, `${PROBE_PREFIX}test/`);
  await questions.askCheaply();
  await questions.askAboutLargeObjects();
  return { remaining: await questions.remove(), mayAbort: questions.mayAbort };
}
