/**
 * Prints the names of skipped tests, then `N passed, N failed, N skipped` as the last line of a test run.
 *
 * With `CI=true` a skipped test fails the run, because all peers must be installed there.
 */

import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const skipped: string[] = [];
    for (const module of modules) {
      // A file that could not be loaded has no tests, so count the file.
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
      console.log('No test may be skipped when CI=true.');
      process.exitCode = 1;
    }
    const line = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
    // Vitest is still writing its report, so print this line when the process exits.
    process.once('exit', () => console.log(line));
  }
}
