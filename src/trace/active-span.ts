/** Keeps the active span of each tracer for the running code. */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { RecordedSpan, TracerContext } from './recorded-span.js';

/** The active spans, one for each tracer, so that several runs do not affect each other. */
interface Frame {
  readonly tracer: TracerContext;
  readonly span: RecordedSpan;
  /** Frames of other tracers. */
  readonly others: Frame | undefined;
}

/** Shared by all tracers, because each additional storage slows down every promise of the process. */
const storage = new AsyncLocalStorage<Frame>();

export function runInSpan<T>(tracer: TracerContext, span: RecordedSpan, fn: () => T): T {
  return storage.run({ tracer, span, others: without(storage.getStore(), tracer) }, fn);
}

/** Returns the span of `tracer` that is active in the running code. */
export function findActiveSpan(tracer: TracerContext): RecordedSpan | undefined {
  let frame = storage.getStore();
  while (frame !== undefined && frame.tracer !== tracer) frame = frame.others;
  return frame?.span;
}

/** Returns the innermost active span of any tracer. */
export function findEnclosingSpan(): RecordedSpan | undefined {
  return storage.getStore()?.span;
}

function without(frame: Frame | undefined, tracer: TracerContext): Frame | undefined {
  if (frame === undefined) return undefined;
  if (frame.tracer === tracer) return frame.others;
  const others = without(frame.others, tracer);
  return others === frame.others ? frame : { ...frame, others };
}
