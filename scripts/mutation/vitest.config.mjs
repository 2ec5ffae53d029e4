import { matchesGlob, relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer } from 'vitest/node';

const TESTS = JSON.parse(process.env.MUTATION_TESTS);

/** The tests run in the order of areas.mjs: the first that fails ends the run. */
class AsListed extends BaseSequencer {
  async sort(files) {
    const rank = ({ moduleId }) => {
      const path = relative(process.cwd(), moduleId);
      return TESTS.findIndex((glob) => matchesGlob(path, glob));
    };
    return files.toSorted((a, b) => rank(a) - rank(b));
  }
}

// biome-ignore lint/style/noDefaultExport: Vitest takes its configuration from the default export
export default defineConfig({
  test: {
    include: TESTS,
    sequence: { sequencer: AsListed },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
  },
});
