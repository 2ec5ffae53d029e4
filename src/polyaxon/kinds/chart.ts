/**
 * Builds events with charts of Plotly, Bokeh, Vega, Vega-Lite or Altair, as JSON that the library can render.
 *
 * Source of the form: traceml 1.3.0, `V1EventChart`: the library, and its figure as an object. The figure is `{ data, layout }` for
 * Plotly, the object of `json_item` for Bokeh, and a specification for Vega.
 */

import { describe } from '../../base/describe.js';
import { invalidArgument, messageOf } from '../../base/errors.js';
import type { JsonValue } from '../../base/json-value.js';
import { toJsonBody } from './json-body.js';
import type { KindEvent } from './kind-event.js';

export type ChartLibrary = 'plotly' | 'bokeh' | 'vega';

/** A figure: an object, its JSON text, or an object with `toSpec()` (Vega-Lite's API) or `toJSON()`. For Plotly also a list of traces. */
export type ChartFigure = object | string;

/** Builds a chart. Throws `ERR_CHART_INVALID`, with the path of a value that JSON cannot represent. */
export function createChart(library: ChartLibrary, figure: ChartFigure): KindEvent {
  const json = toJsonBody('figure', parsePlain(figure), invalid);
  const object = library === 'plotly' && Array.isArray(json) ? { data: json } : json;
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    throw invalid(`figure is ${describe(figure)}, expected the JSON object of a chart`);
  }
  if (library === 'plotly' && !Array.isArray((object as { data?: JsonValue }).data)) {
    throw invalid('figure has no data, expected { data: [traces], layout } for Plotly');
  }
  return { kind: 'chart', value: { kind: library, figure: object } };
}

/** Returns the result of a figure's `toSpec()` or `toJSON()`, or the figure. Text is parsed. */
function parsePlain(figure: unknown): unknown {
  if (typeof figure === 'string') return parse(figure);
  if (typeof figure !== 'object' || figure === null) {
    throw invalid(`figure is ${describe(figure)}, expected the JSON object of a chart`);
  }
  const { toSpec, toJSON } = figure as { toSpec?: unknown; toJSON?: unknown };
  const create = typeof toSpec === 'function' ? toSpec : toJSON;
  if (typeof create !== 'function') return figure;
  const made: unknown = create.call(figure);
  return typeof made === 'string' ? parse(made) : made;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(`figure is not valid JSON: ${messageOf(cause)}`);
  }
}

const invalid = invalidArgument(
  'ERR_CHART_INVALID',
  'Pass the figure as a JSON object: { data, layout } for Plotly, json_item for Bokeh, or a Vega or Vega-Lite specification.',
);
