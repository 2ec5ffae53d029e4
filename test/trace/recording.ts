/** A tracer whose spans, warnings and time are visible to a test. */

import { Diagnostics } from '../../src/base/diagnostics.js';
import type { JsonRecord, SpanJson } from '../../src/trace/span.js';
import { createTracer, type Tracer, type TracerOptions } from '../../src/trace/tracer.js';
import { FakeClock } from '../support/fake-clock.js';

export interface Recording {
  readonly tracer: Tracer;
  /** The roots, in the order in which they were emitted. */
  readonly spans: SpanJson[];
  readonly clock: FakeClock;
  readonly diagnostics: Diagnostics;
}

export function startRecording(options: Partial<TracerOptions> = {}): Recording {
  const spans: SpanJson[] = [];
  const clock = new FakeClock(1_704_164_645);
  const diagnostics = new Diagnostics({ onWarning: () => undefined });
  const tracer = createTracer({ clock, diagnostics, onSpan: (span) => spans.push(span), ...options });
  return { tracer, spans, clock, diagnostics };
}

/** Returns the notes of a span: omitted parts, and references to parent and root. */
export function notesOf(span: SpanJson | undefined): JsonRecord | undefined {
  return span?.metadata?.polytrack as JsonRecord | undefined;
}

/** Returns the names of a span and its descendants: `root(a(b),c)`. */
export function outline(span: SpanJson): string {
  const children = (span.children ?? []).map(outline);
  return children.length === 0 ? `${span.name}` : `${span.name}(${children.join(',')})`;
}
