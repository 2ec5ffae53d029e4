import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Event, SessionStatus } from '../../../src/format/wire/messages.js';
import { ExportSession } from '../../../src/polyaxon/export/export-session.js';
import { scalarValue, toEvent } from '../../support/summary-events.js';

const PLACE = { target: 'events' as const, logDirectory: '', fileName: 'a' };

function start(step: number): Event {
  const what = { kind: 'sessionLog' as const, status: SessionStatus.START };
  return { wallTime: 1_700_000_000, step, what } as Event;
}

function point(step: number, value: number, tag = 'loss'): Event {
  return toEvent(step, 1_700_000_000 + value, scalarValue(tag, value));
}

/** Returns the steps of each file, after as many passes as are necessary. */
function exportAll(events: readonly Event[], session = new ExportSession()): Record<string, number[]> {
  for (let passes = 1; ; passes += 1) {
    for (const [offset, event] of events.entries()) session.push(event, { ...PLACE, offset });
    const { appends } = session.take();
    if (!session.isSuperseded)
      return Object.fromEntries(appends.map(({ path, bytes }) => [path, toSteps(bytes)]));
    expect(passes).toBe(1);
    session.restart();
  }
}

function toSteps(bytes: Uint8Array): number[] {
  const [, ...rows] = Buffer.from(bytes).toString('utf8').trim().split('\n');
  return rows.map((row) => Number(row.split('|')[0]));
}

describe('ExportSession', () => {
  it('exports each step once after restarts, in at most two passes', () => {
    const restart = fc.record({ from: fc.nat(8), count: fc.nat(6) });
    fc.assert(
      fc.property(fc.array(restart, { minLength: 1, maxLength: 5 }), (restarts) => {
        let expected: number[] = [];
        const events = [start(0)];
        for (const [index, { from, count }] of restarts.entries()) {
          if (index > 0) events.push(start(from));
          if (index > 0) expected = expected.filter((step) => step < from);
          for (let step = from; step < from + count; step += 1) {
            events.push(point(step, index));
            expected.push(step);
          }
        }
        expect(exportAll(events)['events/metric/loss.plx'] ?? []).toEqual(expected);
      }),
    );
  });

  it('keeps the names of series when it begins again', () => {
    const session = new ExportSession();
    exportAll([point(1, 1, 'a b'), point(1, 1, 'a-b')], session);
    const names = session.artifacts().map(({ name }) => name);
    session.restart();
    exportAll([point(1, 1, 'a-b'), point(1, 1, 'a b')], session);
    expect(
      session
        .artifacts()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...names].sort());
    const [first] = exportOne(session, 'a-b');
    expect(first).toBe(`events/metric/${names[1]}.plx`);
  });

  it('has the same facts when it is frozen, and continues from its state', () => {
    const session = new ExportSession();
    exportAll([point(1, 1), point(2, 0.5)], session);
    session.push(point(1, 3, 'loss'), { ...PLACE, target: 'resources', offset: 9 });
    session.take();
    const facts = toFacts(session);
    expect(facts.artifacts.map(({ name }) => name)).toEqual(['loss', 'loss-system']);
    expect(facts.lastValues).toEqual({ loss: 0.5 });
    expect(facts.counts).toMatchObject({ values: 3, rows: { metric: 3 } });

    const continued = new ExportSession();
    expect(continued.restore(session.state)).toBe(true);
    expect(toFacts(continued)).toEqual(facts);
    expect(toFacts(session.toFrozen())).toEqual(facts);
    continued.freeze();
    expect(toFacts(continued)).toEqual(facts);
    const frozen = new ExportSession();
    expect(frozen.restore(continued.state)).toBe(true);
    expect([frozen.isFrozen, toFacts(frozen)]).toEqual([true, facts]);
    frozen.restart();
    expect(frozen.artifacts()).toEqual([]);
  });
});

function exportOne(session: ExportSession, tag: string): string[] {
  session.push(point(2, 2, tag), { ...PLACE, offset: 99 });
  return session.take().appends.map(({ path }) => path);
}

function toFacts(session: ExportSession) {
  const { inputs, counts } = session;
  return { inputs, counts, lastValues: session.lastValues(), artifacts: session.artifacts() };
}
