/**
 * Models and other files that belong to a step: where they lie, as events. The files are copied by the caller.
 *
 * Source of the forms: traceml 1.3.0, `traceml/events/schemas.py` (`V1EventModel`, `V1EventArtifact`).
 */

import { type InvalidArgumentCode, InvalidArgumentError } from '../../base/errors.js';
import { toWellFormedText } from '../../base/well-formed-text.js';
import { describe } from '../../summary/arguments.js';
import { ARTIFACT_KINDS, type ArtifactKind } from '../polyaxon-value.js';
import { toJsonBody } from './json-body.js';
import type { KindEvent } from './kind-event.js';

export interface ModelInput {
  /** Where the model lies, relative to the run's directory, with `/`: `assets/model/net_5.onnx`. */
  readonly path: string;
  /** Such as `onnx`, `tfjs`. */
  readonly framework?: string | undefined;
  /** What else is known of it; JSON. */
  readonly spec?: Readonly<Record<string, unknown>> | undefined;
}

/** Builds the event of a model. Throws `ERR_MODEL_INVALID`. */
export function createModel({ path, framework, spec }: ModelInput): KindEvent {
  const value = {
    ...(framework === undefined ? {} : { framework: parseText('ERR_MODEL_INVALID', 'framework', framework) }),
    path: parsePath('ERR_MODEL_INVALID', path),
    ...(spec === undefined ? {} : { spec: parseSpec(spec) }),
  };
  return { kind: 'model', value };
}

/** Builds the event of a file or directory of any kind. Throws `ERR_ARTIFACT_INVALID`. */
export function createArtifact(kind: ArtifactKind, path: string): KindEvent {
  if (!ARTIFACT_KINDS.includes(kind)) {
    const expected = `expected one of ${ARTIFACT_KINDS.join(', ')}`;
    throw invalid('ERR_ARTIFACT_INVALID', `kind is ${describe(kind)}, ${expected}`);
  }
  return { kind, value: { kind, path: parsePath('ERR_ARTIFACT_INVALID', path) } };
}

function parseSpec(spec: unknown) {
  const refuse = (message: string) => invalid('ERR_MODEL_INVALID', message);
  if (typeof spec !== 'object' || spec === null || Array.isArray(spec)) {
    throw refuse(`spec is ${describe(spec)}, expected an object`);
  }
  return toJsonBody('spec', spec, refuse);
}

function parsePath(code: InvalidArgumentCode, path: unknown): string {
  const text = parseText(code, 'path', path);
  const isInside = text !== '' && !text.startsWith('/') && !text.split('/').includes('..');
  if (isInside) return text;
  throw invalid(code, `path is ${describe(path)}, expected one inside of the run's directory`);
}

function parseText(code: InvalidArgumentCode, name: string, value: unknown): string {
  if (typeof value === 'string') return toWellFormedText(value).text;
  throw invalid(code, `${name} is ${describe(value)}, expected a string`);
}

function invalid(code: InvalidArgumentCode, message: string): InvalidArgumentError {
  return new InvalidArgumentError(
    code,
    message,
    'Pass a path relative to the run directory, with texts and JSON beside it.',
  );
}
