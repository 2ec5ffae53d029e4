// What a release needs in package.json and CHANGELOG.md. Pure.

/** Names below `.example` have no owner (RFC 2606): `npm run set-address` replaces them. */
const PLACEHOLDER = /^(?:git\+)?https:\/\/[^/]*\.example\//;

/** Whether the package names the repository that it is published from. */
export function hasAddress({ repository }) {
  return typeof repository?.url === 'string' && !PLACEHOLDER.test(repository.url);
}

/** Returns package.json with the address of the repository, such as `https://github.com/owner/name`. */
export function withAddress(manifest, address) {
  return {
    ...manifest,
    repository: { type: 'git', url: `git+${address}.git` },
    homepage: `${address}#readme`,
    bugs: { url: `${address}/issues` },
  };
}

/** Returns what is missing, for a release with this tag, or for any release without one. */
export function findProblems(manifest, changelog, tag) {
  const { version, repository, homepage, bugs, publishConfig, license } = manifest;
  const problems = [];
  const address = /^git\+(https:\/\/.+)\.git$/.exec(repository?.url)?.[1];
  if (address === undefined) problems.push('repository.url is not git+https://….git');
  else if (!homepage?.startsWith(address) || !bugs?.url?.startsWith(address))
    problems.push('homepage and bugs belong to another address than repository');
  if (publishConfig?.provenance !== true || publishConfig.access !== 'public')
    problems.push('publishConfig does not ask for provenance and public access');
  if (license === undefined) problems.push('no license');
  const title = changelog.split('\n').find((line) => line.startsWith(`## ${version} `));
  if (title === undefined) problems.push(`CHANGELOG.md has no section for ${version}`);
  if (tag === undefined) return problems;
  if (tag !== `v${version}`) problems.push(`the tag is ${tag}, the version ${version}`);
  if (title !== undefined && !/ \(\d{4}-\d\d-\d\d\)$/.test(title))
    problems.push(`CHANGELOG.md has no date for ${version}: replace "(unreleased)"`);
  return problems;
}
