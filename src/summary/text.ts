/**
 * Text: Markdown, shown by the text dashboard.
 *
 * TensorBoard's form is a string tensor of rank 0. Source: tensorboard/plugins/text/summary_v2.py.
 */

import { InvalidArgumentError } from '../errors.js';
import { DataType, type SummaryValue } from '../wire/messages.js';
import { encodeUtf8 } from '../wire/proto-bytes.js';
import { describe } from './arguments.js';
import { createMetadata, type SeriesLabels } from './plugin-data.js';

/** Builds the value of a text. Throws `ERR_TEXT_INVALID` for anything but a string. */
export function createTextValue(tag: string, text: string, labels?: SeriesLabels): SummaryValue {
  if (typeof text !== 'string') {
    throw new InvalidArgumentError(
      'ERR_TEXT_INVALID',
      `text is ${describe(text)}, expected a string`,
      'Pass a string; use JSON.stringify or String for anything else.',
    );
  }
  return {
    tag,
    metadata: createMetadata('text', labels),
    value: { kind: 'tensor', tensor: { dtype: DataType.STRING, shape: [], stringVal: [encodeUtf8(text)] } },
  };
}
