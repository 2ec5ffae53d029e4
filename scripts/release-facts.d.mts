/** The fields of package.json that a release needs. */
interface Manifest {
  readonly version: string;
  readonly repository?: unknown;
  readonly homepage?: string;
}
interface Addressed extends Manifest {
  readonly repository: { readonly type: 'git'; readonly url: string };
}
export function hasAddress(manifest: Manifest): boolean;
export function withAddress(manifest: Manifest, address: string): Addressed;
export function findProblems(manifest: Manifest, changelog: string, tag?: string): string[];
