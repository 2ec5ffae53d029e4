/** The model of what Polyaxon shows agrees with the export, where the order of values matters. */

import { expect, it } from 'vitest';
import { RunVisibility } from '../../../src/format/visibility/run-visibility.js';
import type { SummaryValue } from '../../../src/format/wire/messages.js';
import { Exporter } from '../../../src/polyaxon/export/exporter.js';
import { PolyaxonViewer } from '../../../src/polyaxon/export/polyaxon-viewer.js';
import { polyaxonValue, scalarValue, toEvent } from '../../support/summary-events.js';

const { metadata: _, ...WITHOUT_METADATA } = scalarValue('a', 1);
const HTML = polyaxonValue({ kind: 'html', name: 'page', value: '<p>' });

/** The number of values of one event that the model shows, and the number that become rows. */
function count(...values: readonly SummaryValue[]): { shown: number; rows: number } {
  const event = toEvent(1, 1, ...values);
  const exporter = new Exporter();
  exporter.push(event);
  const visibility = new RunVisibility({ viewers: { polyaxon: (state) => new PolyaxonViewer(state) } });
  visibility.openFile('events.out.tfevents.1');
  visibility.add(event);
  const shown = visibility.finish().countTags('polyaxon');
  const rows = Object.values(exporter.counts.rows);
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
  return { shown: sum(shown.map((each) => each.shown)), rows: sum(rows) };
}

it('a value takes the plugin of its tag from a later value of the same event', () => {
  expect(count(WITHOUT_METADATA)).toEqual({ shown: 0, rows: 0 });
  expect(count(WITHOUT_METADATA, scalarValue('a', 2))).toEqual({ shown: 2, rows: 2 });
});

it('the previews of a value for Polyaxon have no rows, before it and after it', () => {
  expect(count(WITHOUT_METADATA, HTML, scalarValue('a', 2))).toEqual({ shown: 1, rows: 1 });
});
