// Runs before `npm publish`. Provenance proves which repository a package was built from, so the registry compares `repository` with the
// one of the build. The sources do not say where they are hosted, so the publisher sets it.
import { readFileSync } from 'node:fs';

const { repository } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
if (typeof repository?.url !== 'string') {
  console.error(
    'package.json has no repository, which provenance needs. Set it to where this is published from:',
  );
  console.error('  npm pkg set repository.type=git repository.url=git+https://<host>/<owner>/<name>.git');
  process.exitCode = 1;
}
