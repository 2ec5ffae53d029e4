/** What a program uses polytrack with. */
export interface Combination {
  readonly name: string;
  /** Packages of the npm registry. */
  readonly install: readonly string[];
  readonly files: Readonly<Record<string, string>>;
  /** Commands with their arguments; the last one prints `prints`. */
  readonly run: readonly (readonly string[])[];
  readonly prints?: string;
}
export function packRepository(repository: string, directory: string): Promise<string>;
export function tryCombination(combination: Combination, tarball: string, directory: string): Promise<void>;
