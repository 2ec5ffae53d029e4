/**
 * Marks the values that `Run` writes for TensorBoard's HParams dashboard: a session whose hyperparameters are the inputs of `run.plx.json`, and
 * points of its outputs. Exporters skip them, because Polyaxon has these values already, with their structure.
 *
 * The mark of a session is its display name, which TensorBoard shows nowhere. That of a point is its description.
 */

import type { SummaryMetadata, SummaryValue } from '../format/wire/messages.js';

const SESSION_NAME = 'polytrack run';
const OUTPUT_DESCRIPTION = 'Output of the run, logged with `logOutputs`.';

/** Returns the value of a session, or the point of an output, with the mark. */
export function asRunSession(value: SummaryValue & { readonly metadata: SummaryMetadata }): SummaryValue {
  const mark =
    value.metadata.pluginName === 'hparams'
      ? { displayName: SESSION_NAME }
      : { description: OUTPUT_DESCRIPTION };
  return { ...value, metadata: { ...value.metadata, ...mark } };
}

export function isRunSession({ metadata }: SummaryValue): boolean {
  if (metadata?.pluginName === 'hparams') return metadata.displayName === SESSION_NAME;
  return metadata?.description === OUTPUT_DESCRIPTION && metadata.pluginName === 'scalars';
}
