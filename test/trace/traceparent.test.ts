import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { decodeTraceparent, readTraceparent } from '../../src/trace/traceparent.js';
import { notesOf, startRecording } from './recording.js';

const VALID = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe('readTraceparent', () => {
  it('reads headers of Node.js and of fetch, and the environment', () => {
    const request = new IncomingMessage(new Socket());
    request.headers.traceparent = VALID;

    expect(readTraceparent(request.headers)).toBe(VALID);
    expect(readTraceparent(new Headers({ TraceParent: VALID }))).toBe(VALID);
    expect(readTraceparent({ TRACEPARENT: VALID })).toBe(VALID);
    expect(readTraceparent({ get: () => VALID })).toBe(VALID);
    expect(readTraceparent()).toBeUndefined();
  });

  it.each([
    '',
    'x',
    VALID.toUpperCase(),
    VALID.replace('00-', 'ff-'),
    VALID.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32)),
    VALID.replace('00f067aa0ba902b7', '0'.repeat(16)),
    `${VALID}-more`,
  ])('ignores %j', (text) => {
    expect(readTraceparent({ traceparent: text })).toBeUndefined();
  });

  it('accepts more fields of a later version', () => {
    expect(decodeTraceparent(`${VALID.replace('00-', '01-')}-more`)).toMatchObject({ traceFlags: 1 });
  });
});

describe('traceparent of a span', () => {
  it('makes the span of another process its child', () => {
    const [here, there] = [startRecording(), startRecording()];

    here.tracer.trace('request', (span) => {
      there.tracer.trace('work', { parent: span.traceparent }, (work) => {
        there.tracer.trace('below', () => 1);
        expect(decodeTraceparent(work.traceparent)?.traceId).toBe(
          decodeTraceparent(span.traceparent)?.traceId,
        );
      });
    });

    const [request, work] = [here.spans[0]!, there.spans[0]!];
    expect(notesOf(work)).toEqual({ parent_uuid: request.uuid });
    expect(work.children).toHaveLength(1);
    const otel = (span: typeof work): Record<string, unknown> => span.metadata!.otel as never;
    expect(otel(work).parent_span_id).toBe(otel(request).span_id);
    expect(otel(work).trace_id).toBe(otel(request).trace_id);
  });

  it('is invalid as any other text', () => {
    const { tracer } = startRecording();

    expect(() => tracer.trace('x', { parent: 'root' }, () => 1)).toThrow('expected a span or a traceparent');
  });
});
