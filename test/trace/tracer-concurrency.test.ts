/** Many concurrent traces, interleaved at every `await` in every order. Each span must be below its own parent. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SpanJson } from '../../src/trace/span.js';
import { startRecording } from './recording.js';

/** A traced function: it waits, then runs its steps one after the other or all at once. */
interface Program {
  readonly how: 'async' | 'sync' | 'stream' | 'manual' | 'thenable';
  readonly at: 'once' | 'in turn';
  readonly fails: boolean;
  readonly steps: readonly Program[];
}

const anyProgram = (): fc.Arbitrary<Program> =>
  fc.letrec<{ program: Program }>((tie) => ({
    program: fc.record({
      how: fc.constantFrom('async', 'sync', 'stream', 'manual', 'thenable'),
      at: fc.constantFrom('once', 'in turn'),
      fails: fc.boolean(),
      steps: fc.oneof(
        { maxDepth: 3, depthIdentifier: 'steps' },
        fc.constant([]),
        fc.array(tie('program'), { maxLength: 3, depthIdentifier: 'steps' }),
      ),
    }),
  })).program;

/** The expected name and status of each span. */
interface Tree {
  readonly name: string;
  readonly status: string;
  readonly children: readonly Tree[];
}

function toTree(program: Program, name: string): Tree {
  return {
    name,
    status: program.fails ? 'failed' : 'succeeded',
    children: program.steps.map((step, index) => toTree(step, `${name}.${index}`)),
  };
}

function readTree(span: SpanJson): Tree {
  return {
    name: span.name!,
    status: span.status!,
    // The scheduler decides the start order of steps that run at once.
    children: (span.children ?? []).map(readTree).sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

class Interpreter {
  constructor(
    readonly recording: ReturnType<typeof startRecording>,
    readonly wait: () => Promise<unknown>,
  ) {}

  /** Runs a program. Its failure only affects its own span. */
  async run(program: Program, name: string): Promise<void> {
    const { tracer } = this.recording;
    const body = async (): Promise<void> => {
      await this.wait();
      expect(tracer.activeSpan?.name).toBe(name);
      await this.steps(program, name);
      expect(tracer.activeSpan?.name).toBe(name);
      if (program.fails) throw new Error(name);
    };
    try {
      switch (program.how) {
        case 'async':
          await tracer.trace(name, body);
          break;
        case 'sync':
          await this.runSync(program, name);
          break;
        case 'thenable':
          await tracer.trace(name, () => lazily(body));
          break;
        case 'stream':
          for await (const _ of tracer.traceStream(name, {}, () => this.stream(body))) await this.wait();
          break;
        case 'manual': {
          const span = tracer.startSpan(name);
          await span.run(body).then(
            () => span.end(),
            (error: unknown) => span.fail(error),
          );
        }
      }
    } catch (error) {
      if (!(error instanceof Error) || error.message !== name) throw error;
    }
  }

  /** Runs a function that starts its steps and returns. The steps end later, but before the root. */
  private async runSync(program: Program, name: string): Promise<void> {
    let started: Promise<void> | undefined;
    try {
      this.recording.tracer.trace(name, () => {
        started = this.steps(program, name);
        if (program.fails) throw new Error(name);
      });
    } finally {
      await started;
    }
  }

  private async *stream(body: () => Promise<void>): AsyncGenerator<number> {
    yield 1;
    await body();
    yield 2;
  }

  private async steps(program: Program, name: string): Promise<void> {
    const steps = program.steps.map((step, index) => () => this.run(step, `${name}.${index}`));
    if (program.at === 'once') await Promise.all(steps.map((step) => step()));
    else for (const step of steps) await step();
  }
}

function lazily<T>(run: () => Promise<T>): PromiseLike<T> {
  // biome-ignore lint/suspicious/noThenProperty: deliberately a thenable
  return { then: (onResolved, onRejected) => run().then(onResolved, onRejected) };
}

describe('interleaved traces', () => {
  it('keep each span below its own parent', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyProgram(), { minLength: 1, maxLength: 6 }),
        fc.scheduler(),
        async (programs, scheduler) => {
          const recording = startRecording();
          const interpreter = new Interpreter(recording, () => scheduler.schedule(Promise.resolve()));
          // A root waits for all its descendants.
          const all = programs.map((program, index) =>
            recording.tracer.trace(`root ${index}`, () => interpreter.run(program, String(index))),
          );
          await scheduler.waitFor(Promise.all(all));

          const trees = recording.spans.map(readTree).sort((a, b) => (a.name < b.name ? -1 : 1));
          expect(trees).toEqual(
            programs.map((program, index) => ({
              name: `root ${index}`,
              status: 'succeeded',
              children: [toTree(program, String(index))],
            })),
          );
          expect(recording.diagnostics.counts).toEqual({});
        },
      ),
      { numRuns: 200 },
    );
  });

  it('write every span once with its parent when children outlive their roots', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyProgram(), { minLength: 1, maxLength: 4 }),
        fc.scheduler(),
        async (programs, scheduler) => {
          const recording = startRecording();
          const interpreter = new Interpreter(recording, () => scheduler.schedule(Promise.resolve()));
          let started: Promise<unknown> | undefined;
          recording.tracer.trace('root', () => {
            started = Promise.all(programs.map((program, index) => interpreter.run(program, String(index))));
          });
          await scheduler.waitFor(started!);

          const parents = new Map<string, string | undefined>();
          const names = new Map<string, string>();
          const visit = (span: SpanJson, parentUuid: string | undefined): void => {
            expect(names.has(span.uuid!)).toBe(false);
            names.set(span.uuid!, span.name!);
            const notes = span.metadata?.polytrack as { parent_uuid?: string } | undefined;
            parents.set(span.name!, parentUuid ?? notes?.parent_uuid);
            for (const child of span.children ?? []) visit(child, span.uuid);
          };
          for (const span of recording.spans) visit(span, undefined);
          for (const [name, parentUuid] of parents) {
            const parent = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : 'root';
            if (name !== 'root') expect(names.get(parentUuid!)).toBe(parent);
          }
          const count = (program: Program): number =>
            program.steps.reduce((sum, step) => sum + count(step), 1);
          expect(parents.size).toBe(programs.reduce((sum, program) => sum + count(program), 1));
        },
      ),
      { numRuns: 200 },
    );
  });
});
