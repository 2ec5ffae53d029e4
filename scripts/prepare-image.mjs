// Makes the optional packages of the uploader dependencies and removes those for development, in the package.json of the current directory.
// deploy/Dockerfile does this in the image.
import { readFileSync, writeFileSync } from 'node:fs';

/** For stores and for `polytrack export`. Optional packages of tracking are not needed. */
const WANTED =
  /^@aws-sdk\/|^@azure\/|^@google-cloud\/|^apache-arrow$|^hyparquet-writer$|^@modelcontextprotocol\/sdk$/;
/** Workload identity of Azure. Nothing else needs it, so it is not in the lock file. */
const AZURE_IDENTITY = { '@azure/identity': '4.14.1' };

const { devDependencies, dependencies, peerDependencies, peerDependenciesMeta, ...rest } = JSON.parse(
  readFileSync('package.json', 'utf8'),
);
const wanted = Object.fromEntries(
  Object.keys(peerDependencies)
    .filter((name) => WANTED.test(name))
    // The development dependencies are those that were tested.
    .map((name) => [name, devDependencies[name] ?? peerDependencies[name]]),
);
const prepared = { ...rest, dependencies: { ...dependencies, ...wanted, ...AZURE_IDENTITY } };
writeFileSync('package.json', `${JSON.stringify(prepared, null, 2)}\n`);
