import { expect, it } from 'vitest';
import { loadLibrary } from '../../../uploader/store/load-library.js';

const ABSENT: string = 'polytrack-no-such-library';
const LIBRARY = { name: ABSENT, wanted: `${ABSENT}@1` };

it('says what to install when a library is not there', async () => {
  await expect(loadLibrary(LIBRARY, () => import(ABSENT))).rejects.toMatchObject({
    code: 'ERR_STORE_LIBRARY',
    message: expect.stringContaining(ABSENT),
    hint: `Run: npm install ${ABSENT}@1`,
  });
});

it('does not take another failure of a library for its absence', async () => {
  const cause = new Error("Cannot find package 'other' imported from polytrack-no-such-library");
  const load = (): Promise<never> => Promise.reject(Object.assign(cause, { code: 'ERR_MODULE_NOT_FOUND' }));

  await expect(loadLibrary(LIBRARY, load)).rejects.toBe(cause);
});
