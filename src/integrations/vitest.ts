/** `polytrack/integrations/vitest`: a reporter of Vitest that logs an evaluation as a run. Imports nothing of Vitest. */

import { Run } from '../run/run.js';
import type { RunOptions } from '../run/run-options.js';

/** The part of a test case of Vitest that the reporter reads. `meta().scores`: the scores that the test has set. */
export interface VitestTestCase {
  readonly fullName: string;
  result(): { readonly state: string; readonly errors?: readonly { readonly message: string }[] | undefined };
  diagnostic(): { readonly duration: number } | undefined;
  meta(): object;
}

interface Row {
  readonly test: string;
  readonly state: string;
  readonly duration_ms: number;
  readonly scores: Readonly<Record<string, number>>;
  readonly error: string;
}

/**
 * Logs each call of Vitest as a run: `pass_rate`, durations, and the scores of each test, as metrics by the number of the test and as a table.
 * A test sets its scores with `task.meta.scores = { relevance: 0.8 }`. The run fails if a test fails.
 */
export class PolytrackReporter {
  readonly #options: RunOptions;
  #run: Run | undefined;
  #rows: Row[] = [];

  /** `options`: of the run. */
  constructor(options: RunOptions = {}) {
    this.#options = options;
  }

  onTestRunStart(): void {
    this.#rows = [];
    this.#run = new Run({ name: 'evaluation', ...this.#options });
  }

  onTestCaseResult(test: VitestTestCase): void {
    const { state, errors = [] } = test.result();
    if (state === 'skipped' || state === 'pending') return;
    const scores = toScores((test.meta() as { scores?: unknown }).scores);
    const duration_ms = test.diagnostic()?.duration ?? 0;
    const step = this.#rows.length;
    this.#rows.push({ test: test.fullName, state, duration_ms, scores, error: errors[0]?.message ?? '' });
    const values = Object.entries(scores).map(([name, value]) => [`scores/${name}`, value]);
    this.#run?.logMetrics(
      { passed: state === 'passed' ? 1 : 0, duration_ms, ...Object.fromEntries(values) },
      { step },
    );
  }

  async onTestRunEnd(): Promise<void> {
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined) return;
    const rows = this.#rows;
    const passed = rows.filter(({ state }) => state === 'passed').length;
    const names = [...new Set(rows.flatMap(({ scores }) => Object.keys(scores)))];
    if (rows.length > 0) {
      run.logDataframe(
        'tests',
        rows.map(({ scores, ...row }) => ({
          ...row,
          ...Object.fromEntries(names.map((name) => [name, scores[name] ?? null])),
        })),
      );
    }
    const means = names.map((name) => [
      `mean_${name}`,
      mean(rows.flatMap(({ scores }) => scores[name] ?? [])),
    ]);
    run.logOutputs({
      tests: rows.length,
      passed,
      failed: rows.length - passed,
      pass_rate: rows.length === 0 ? 0 : passed / rows.length,
      ...Object.fromEntries(means),
    });
    await run.end({ status: passed === rows.length ? 'succeeded' : 'failed' });
  }
}

function toScores(scores: unknown): Record<string, number> {
  if (typeof scores !== 'object' || scores === null) return {};
  return Object.fromEntries(Object.entries(scores).filter(([, value]) => Number.isFinite(value)));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, each) => sum + each, 0) / values.length;
}
