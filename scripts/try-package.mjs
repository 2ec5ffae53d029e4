// Packs polytrack and uses it in each combination of test/packaging/combinations: `npm run try-package`, or with words of their names:
// `npm run try-package -- jest bundle`. `npm test` runs some of them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMBINATIONS } from '../test/packaging/combinations/combinations.mjs';
import { packRepository, tryCombination } from '../test/packaging/combinations/try-combination.mjs';

const repository = fileURLToPath(new URL('..', import.meta.url));
const words = process.argv.slice(2).map((word) => word.toLowerCase());
const directory = mkdtempSync(join(tmpdir(), 'polytrack-package-'));
try {
  const tarball = await packRepository(repository, directory);
  for (const [i, combination] of COMBINATIONS.entries()) {
    const name = combination.name.toLowerCase();
    if (words.length > 0 && !words.some((word) => name.includes(word))) continue;
    const start = Date.now();
    const problem = await tryCombination(combination, tarball, join(directory, String(i))).catch(
      (error) => error,
    );
    const seconds = ((Date.now() - start) / 1000).toFixed(0).padStart(4);
    console.log(`${problem === undefined ? 'works' : 'FAILS'} ${seconds} s  ${combination.name}`);
    if (problem === undefined) continue;
    console.log(problem.message);
    process.exitCode = 1;
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
