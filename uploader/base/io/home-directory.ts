import { homedir } from 'node:os';

/**
 * Returns the home directory of the user: `HOME`, else that of the user database. A user of a container may have neither; then it is `/`, as container
 * runtimes set it. `os.homedir()` throws there.
 */
export function homeDirectory(environment: Readonly<Record<string, string | undefined>>): string {
  const named = environment.HOME ?? '';
  if (named !== '') return named;
  try {
    return homedir();
  } catch {
    return '/';
  }
}
