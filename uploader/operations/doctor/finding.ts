/** What a check of the set-up has found. */

import { CodedError, messageOf } from '../../../src/base/errors.js';

export interface DoctorFinding {
  /** What was checked, in a word or two. */
  readonly name: string;
  /** `problem`: something does not work. `warning`: it works, with a risk or a limit. */
  readonly level: 'ok' | 'warning' | 'problem';
  /** What was found. May contain foreign text. */
  readonly found: string;
  /** What the user can do. */
  readonly advice: string | null;
}

export function ok(name: string, found: string): DoctorFinding {
  return { name, level: 'ok', found, advice: null };
}

export function warning(name: string, found: string, advice: string): DoctorFinding {
  return { name, level: 'warning', found, advice };
}

export function problem(name: string, found: string, advice: string): DoctorFinding {
  return { name, level: 'problem', found, advice };
}

/** Makes a finding of an error: coded errors say what to do, those of the system say which file cannot be used. */
export async function attemptCheck(
  name: string,
  check: () => Promise<readonly DoctorFinding[]>,
): Promise<readonly DoctorFinding[]> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof CodedError) return [problem(name, `${error.code}: ${error.message}`, error.hint)];
    if (error instanceof Error && 'syscall' in error)
      return [problem(name, messageOf(error), 'Make this file or directory readable and writable.')];
    throw error;
  }
}
