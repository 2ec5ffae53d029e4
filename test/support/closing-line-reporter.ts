/**
 * Ends a test run with `N passed, N failed, N skipped`, alone on the last line, after the names of what was skipped.
 *
 * With `CI=true` a skipped test fails the run: there, a peer that is missing is a fault.
 */

import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const skipped: string[] = [];
    for (const module of modules) {
      // A file that could not be loaded has no tests to count.
      if (module.errors().length > 0) counts.failed++;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed' || state === 'failed') counts[state]++;
        else {
          counts.skipped++;
          skipped.push(`${module.relativeModuleId} > ${test.fullName}`);
        }
      }
    }
    counts.failed += unhandledErrors.length;
    for (const name of skipped) console.log(`skipped: ${name}`);
    if (skipped.length > 0 && process.env.CI === 'true') {
      console.log('With CI=true no test may be skipped.');
      process.exitCode = 1;
    }
    const line = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
    // Vitest's own report is still being written: this line comes when the process ends.
    process.once('exit', () => console.log(line));
  }
}
