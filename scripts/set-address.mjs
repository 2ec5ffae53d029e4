// Writes the address that the package is published from to package.json: `npm run set-address -- https://github.com/<owner>/<name>`. The release workflow does
// it: provenance compares the address with the one of the build (docs/decisions/0093).
import { readFileSync, writeFileSync } from 'node:fs';
import { withAddress } from './release-facts.mjs';

const [address = ''] = process.argv.slice(2);
if (!/^https:\/\/[^/]+\/[^/]+\/[^/]+$/.test(address))
  throw new Error('expected https://<host>/<owner>/<name>');
const path = new URL('../package.json', import.meta.url);
const manifest = withAddress(JSON.parse(readFileSync(path, 'utf8')), address);
writeFileSync(path, `${JSON.stringify(manifest, null, 2)}\n`);
