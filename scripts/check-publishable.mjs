// Runs before `npm publish`. Provenance proves which repository a package was built from, so the registry compares `repository` with the
// one of the build. The sources have a placeholder, so the publisher sets it.
import { readFileSync } from 'node:fs';
import { hasAddress } from './release-facts.mjs';

if (!hasAddress(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')))) {
  console.error(
    'package.json has no repository that exists, which provenance needs. Set it to where this is published from:',
  );
  console.error('  npm run set-address -- https://<host>/<owner>/<name>');
  process.exitCode = 1;
}
