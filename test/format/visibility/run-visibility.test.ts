import { describe, expect, it } from 'vitest';
import { toReason } from '../../../src/format/visibility/reasons.js';
import {
  RunVisibility,
  type ShownRun,
  type VisibilityOptions,
} from '../../../src/format/visibility/run-visibility.js';
import type { ReadingState } from '../../../src/format/visibility/viewer.js';
import { DataType, type Event, SessionStatus, type SummaryValue } from '../../../src/format/wire/messages.js';
import { encodeUtf8 } from '../../../src/format/wire/proto-bytes.js';
import { PolyaxonViewer } from '../../../src/polyaxon/export/polyaxon-viewer.js';
import { imagesValue, scalarValue, textValue, toEvent } from '../../support/summary-events.js';

type Item = Event | 'file' | 'length' | 'data' | 'event' | 'torn';

const VERSION: Event = { step: 0, wallTime: 1, what: { kind: 'fileVersion', fileVersion: 'brain.Event:2' } };

function start(step: number): Event {
  return { step, wallTime: 1, what: { kind: 'sessionLog', status: SessionStatus.START } };
}

function scalar(step: number | bigint, tag = 'a'): Event {
  return toEvent(step, 1, scalarValue(tag, 0.5));
}

function image(step: number): Event {
  return toEvent(step, 1, imagesValue('image', Uint8Array.of(1)));
}

function show(items: readonly Item[], options?: VisibilityOptions): ShownRun {
  const visibility = new RunVisibility(options);
  visibility.openFile('events.out.tfevents.1');
  for (const item of items) {
    if (item === 'file') visibility.openFile('events.out.tfevents.2');
    else if (typeof item === 'string') visibility.addDamage(item);
    else visibility.add(item);
  }
  return visibility.finish();
}

/** For each point: `-` if the viewer shows it, else the reason. */
function codesOf(run: ShownRun, viewer: string): string {
  const { codes } = run.viewers[viewer]!;
  return Array.from({ length: run.points.count }, (_, point) => toReason(codes.at(point)) ?? '-').join(' ');
}

const EMPTY_TEXT = { tag: 'a', metadata: { pluginName: 'text', dataClass: 2 } } as const;
const DOUBLE: SummaryValue = {
  tag: 'a',
  metadata: { pluginName: 'scalars', dataClass: 1 },
  value: { kind: 'tensor', tensor: { dtype: DataType.DOUBLE, shape: [], doubleVal: Float64Array.of(1) } },
};

const { metadata: _, ...WITHOUT_METADATA } = scalarValue('a', 1);

function hparams(content: string): SummaryValue {
  const tensor = { dtype: DataType.FLOAT, shape: [0] };
  const metadata = { pluginName: 'hparams', dataClass: 2, content: encodeUtf8(content) } as const;
  return { tag: '_hparams_/session_start_info', metadata, value: { kind: 'tensor', tensor } };
}

describe('RunVisibility', () => {
  it("hides the values of a file that TensorBoard ignores from TensorBoard's readers only", () => {
    const viewers = { polyaxon: (state: ReadingState) => new PolyaxonViewer(state) };
    const visibility = new RunVisibility({ viewers });
    visibility.openFile('events.out.tfevents.1');
    for (const event of [VERSION, start(0), scalar(0), scalar(1)]) visibility.add(event);
    visibility.openFile('system.out.plxevents.2');
    for (const event of [VERSION, start(1), scalar(1), scalar(2)]) visibility.add(event);
    visibility.addDamage('event');
    const run = visibility.finish();

    expect(codesOf(run, 'fast')).toBe('- - unread unread');
    expect(codesOf(run, 'python')).toBe('- - unread unread');
    expect(codesOf(run, 'polyaxon')).toBe('- restart - -');
  });

  it.each<[title: string, items: Item[], fast: string, python: string]>([
    ['a plain series', [VERSION, start(0), scalar(0), scalar(1)], '- -', '- -'],
    [
      'a restart at a step',
      [VERSION, start(0), scalar(0), scalar(1), scalar(2), 'file', VERSION, start(1), scalar(1)],
      '- restart restart -',
      '- restart restart -',
    ],
    [
      'a restart, and a tag that is not logged again',
      [VERSION, start(0), scalar(0), scalar(5), 'file', VERSION, start(1), scalar(1, 'b')],
      '- - -',
      '- restart -',
    ],
    [
      'a second file without a session start',
      [VERSION, start(0), scalar(0), scalar(1), 'file', VERSION, scalar(0)],
      'order order -',
      '- - -',
    ],
    [
      'two files of a writer without sessions',
      [VERSION, scalar(0), scalar(1), 'file', VERSION, scalar(1)],
      '- restart -',
      '- - -',
    ],
    [
      'steps out of order',
      [VERSION, start(0), scalar(5), scalar(3), scalar(4), scalar(0)],
      'order order order -',
      '- - - -',
    ],
    [
      'smaller steps in files of an old version',
      [scalar(5), scalar(5), scalar(3), scalar(4)],
      'order order - -',
      'order order - -',
    ],
    [
      'steps that are not exact as a number',
      [VERSION, start(0), scalar(2n ** 60n), scalar(2n ** 60n + 1n), scalar(2n ** 60n + 1n)],
      '- order -',
      '- - -',
    ],
    ['two images of one step', [VERSION, start(0), image(0), image(1), image(1)], '- order -', '- - order'],
    [
      'text on a tag of numbers',
      [VERSION, start(0), scalar(0), scalar(1), toEvent(0, 1, textValue('a', ['t']))],
      'order order kind',
      '- - misread',
    ],
    [
      'numbers on a tag of text',
      [VERSION, start(0), toEvent(0, 1, textValue('a', ['t'])), scalar(1)],
      'broken broken',
      'broken broken',
    ],
    ['a number in float64', [VERSION, start(0), toEvent(0, 1, DOUBLE), scalar(1)], 'form -', '- -'],
    [
      'metadata without data, and then a value',
      [VERSION, start(0), toEvent(0, 1, EMPTY_TEXT), toEvent(1, 1, textValue('a', ['t']))],
      'noData -',
      'noData -',
    ],
    [
      'a value before the metadata of its tag',
      [VERSION, start(0), toEvent(0, 1, WITHOUT_METADATA), scalar(1)],
      'noPage metadata',
      'noPage noPage',
    ],
    [
      'hyperparameters that differ from the first ones',
      [
        VERSION,
        start(0),
        toEvent(0, 1, hparams('x')),
        toEvent(0, 1, hparams('y')),
        toEvent(0, 1, hparams('x')),
      ],
      '- metadata -',
      '- metadata -',
    ],
    [
      'values of a plugin that no page shows',
      [VERSION, start(0), toEvent(0, 1, { ...DOUBLE, metadata: { pluginName: 'mine', dataClass: 2 } })],
      'noPage',
      'noPage',
    ],
    [
      'damage in a length',
      [VERSION, scalar(0), 'length', scalar(1), 'file', scalar(2)],
      '- damage -',
      '- damage -',
    ],
    [
      'a record that is not an event',
      [VERSION, scalar(0), 'event', scalar(1), 'file', scalar(2)],
      '- damage -',
      '- damage damage',
    ],
    [
      'a wall time that is not finite',
      [
        VERSION,
        { ...scalar(0), wallTime: Number.POSITIVE_INFINITY },
        { ...scalar(1), wallTime: Number.NaN },
        scalar(2),
      ],
      'wallTime wallTime damage',
      '- - -',
    ],
  ])('knows what is shown of %s', (_, items, fast, python) => {
    const run = show(items);

    expect(codesOf(run, 'fast')).toBe(fast);
    expect(codesOf(run, 'python')).toBe(python);
  });

  it('knows that a page fails for all runs when images have metadata and no data are left', () => {
    const run = show([VERSION, start(0), image(120), 'file', VERSION, start(100)]);

    expect(run.viewers.fast!.failures).toEqual([]);
    expect(run.viewers.python!.failures).toEqual([{ plugin: 'images', tag: 'image', scope: 'page' }]);
  });

  it('knows that a page fails for all runs when a tag has never had data', () => {
    const run = show([VERSION, start(0), toEvent(0, 1, EMPTY_TEXT)]);

    expect(run.viewers.python!.failures).toEqual([{ plugin: 'text', tag: 'a', scope: 'page' }]);
  });

  it('keeps the last point of a long series, and as many of the others as the viewers keep', () => {
    const run = show([VERSION, start(0), ...Array.from({ length: 2500 }, (_, step) => scalar(step))]);

    for (const viewer of ['fast', 'python']) {
      expect(run.countTags(viewer)).toEqual([{ shown: 1000, hidden: { sampled: 1500 } }]);
      expect(run.viewers[viewer]!.codes.at(2499)).toBe(0);
    }
  });

  it('shows all points on request', () => {
    const items = [VERSION, start(0), ...Array.from({ length: 2500 }, (_, step) => scalar(step))];

    expect(show(items, { samples: 'all' }).countTags('fast')).toEqual([{ shown: 2500, hidden: {} }]);
  });

  it('counts values whose own metadata are ignored', () => {
    const named = {
      ...scalarValue('a', 1),
      metadata: { pluginName: 'scalars', dataClass: 1, displayName: 'name' } as const,
    };
    const run = show([VERSION, scalar(0), toEvent(1, 1, named)]);

    expect(run.viewers.fast!.tagView(0)).toMatchObject({ plugin: 'scalars', ignoredMetadata: 1 });
  });
});
