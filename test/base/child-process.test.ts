import childProcess, { ChildProcess } from 'node:child_process';
import { syncBuiltinESMExports } from 'node:module';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openGit } from '../../src/capture/git-command.js';
import { createGpuQuery } from '../../src/capture/nvidia-smi.js';

const error = (code: string) => Object.assign(new Error(`spawn ${code}`), { code });

/** How runtimes report a program that they cannot start. */
const FAILURES: Readonly<Record<string, () => ChildProcess>> = {
  'throws, as Node.js does for some errors': () => {
    throw error('E2BIG');
  },
  'emits an error for a process without streams, as Deno does': () => {
    const child = new ChildProcess();
    Object.assign(child, { stdout: null, stderr: null });
    setImmediate(() => child.emit('error', error('ENOENT')));
    return child;
  },
  'emits two errors': () => {
    const child = new ChildProcess();
    setImmediate(() => child.emit('error', error('EMFILE')));
    setTimeout(() => child.emit('error', error('EPERM')), 1);
    return child;
  },
};

describe('startProgram', () => {
  it.each(Object.entries(FAILURES))(
    'F72: survives a spawn that %s, in every capture',
    async (_how, spawn) => {
      const { spawn: original } = childProcess;
      childProcess.spawn = spawn as typeof original;
      syncBuiltinESMExports();
      onTestFinished(() => {
        childProcess.spawn = original;
        syncBuiltinESMExports();
      });
      const git = openGit('.', { environment: {}, deadlineMs: 60_000 });
      onTestFinished(() => git.close());

      // An error event without a listener, and an error that is thrown, would end the program.
      expect(await createGpuQuery({}).read({ keepsAlive: false })).toEqual({});
      expect(await git.run(['status'])).toMatchObject({
        status: 'failed',
        message: expect.stringContaining('git could not be started'),
      });
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
  );
});
