import { describe, expect, it } from 'vitest';
import {
  type ProgramEnd,
  toExitCode,
  toRunEndOptions,
} from '../../../../uploader/operations/run/program-end.js';

function failure(code: string): ProgramEnd {
  return { kind: 'failure', error: Object.assign(new Error(`spawn ${code}`), { code }) };
}

describe('toExitCode', () => {
  it.each([
    [{ kind: 'exit', code: 0 }, 0],
    [{ kind: 'exit', code: 255 }, 255],
    [{ kind: 'signal', signal: 'SIGKILL' }, 137],
    [{ kind: 'signal', signal: 'SIGTERM' }, 143],
    [failure('ENOENT'), 127],
    [failure('EACCES'), 126],
  ] as [ProgramEnd, number][])('of %j is %i, as in a shell', (end, code) => {
    expect(toExitCode(end)).toBe(code);
  });
});

describe('toRunEndOptions', () => {
  it.each([
    ['exit code 0', { kind: 'exit', code: 0 }, [], undefined, 'succeeded'],
    ['another exit code', { kind: 'exit', code: 3 }, [], undefined, 'failed'],
    ['a signal that stops programs', { kind: 'signal', signal: 'SIGTERM' }, [], undefined, 'stopped'],
    ['a crash', { kind: 'signal', signal: 'SIGSEGV' }, [], undefined, 'failed'],
    ['a handled signal', { kind: 'exit', code: 143 }, ['SIGTERM'], undefined, 'stopped'],
    ['the code of a signal that was not received', { kind: 'exit', code: 143 }, [], undefined, 'failed'],
    ['a status that the program has set', { kind: 'exit', code: 0 }, [], 'skipped', 'skipped'],
    ['a failure after the program has set a status', { kind: 'exit', code: 1 }, [], 'skipped', 'failed'],
    ['a missing program', failure('ENOENT'), [], undefined, 'failed'],
  ] as [string, ProgramEnd, string[], 'skipped' | undefined, string][])(
    'after %s',
    (_when, end, received, logged, status) => {
      expect(toRunEndOptions(end, received, logged).status).toBe(status);
    },
  );
});
