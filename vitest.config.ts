import { defineConfig } from 'vitest/config';
import { ClosingLineReporter } from './test/support/closing-line-reporter.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Only a test that hangs reaches these limits, also while other programs keep all cores busy.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    // One more than the cores of a small machine: many tests wait for servers.
    maxWorkers: 3,
    // Keeps compiled modules in node_modules, so that running one test file again starts at once.
    experimental: { fsModuleCache: true },
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    reporters: ['default', new ClosingLineReporter()],
  },
});
