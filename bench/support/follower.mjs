// An uploader that follows a root: `polytrack watch`, for as long as it is wanted.

import { UploaderProcess } from './uploader-process.mjs';

/** What stands for "now" in a list of options is its caller's: this only names the command. */
export function startWatch({ root, store, stateDir, env, home, intervalSeconds, args = [] }) {
  const interval = intervalSeconds === undefined ? [] : ['--interval', String(intervalSeconds)];
  return new UploaderProcess(
    ['watch', root, '--store', store, '--state-dir', stateDir, ...interval, ...args],
    { env, home },
  );
}
