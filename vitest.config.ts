import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { ClosingLineReporter } from './test/support/closing-line-reporter.js';

/** Tests that take minutes begin first, so that none of them runs alone at the end. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean => LONG.test(moduleId);
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
const LONG =
  /\/test\/(?:packaging|polyaxon-server|scenario|tensorboard|docs\/guides|peers|uploader\/store)\b/;

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    include: ['test/**/*.test.ts'],
    // Only a test that hangs reaches these limits, also while other programs keep all cores busy.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    // Twice the cores of a small machine: many tests wait for servers.
    maxWorkers: 4,
    // Keeps compiled modules in node_modules, so that running one test file again starts at once.
    experimental: { fsModuleCache: true },
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    reporters: ['default', new ClosingLineReporter()],
  },
});
