/**
 * Builds events with the paths of models and other files. The caller copies the files.
 *
 * Source of the forms: traceml 1.3.0, `traceml/events/schemas.py` (`V1EventModel`, `V1EventArtifact`).
 */

import { describe } from '../../base/describe.js';
import { type InvalidArgumentCode, InvalidArgumentError } from '../../base/errors.js';
import { toWellFormedText } from '../../base/well-formed-text.js';
import { ARTIFACT_KINDS, type ArtifactKind } from '../polyaxon-value.js';
import { toJsonBody } from './json-body.js';
import type { KindEvent } from './kind-event.js';

export interface ModelInput {
  /** The path relative to the run directory, with `/`, such as `assets/model/net_5.onnx`. */
  readonly path: string;
  /** For example `onnx` or `tfjs`. */
  readonly framework?: string | undefined;
  /** Other facts about the model, as JSON. */
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
  throw invalid(code, `path is ${describe(path)}, expected a relative path inside the run directory`);
}

function parseText(code: InvalidArgumentCode, name: string, value: unknown): string {
  if (typeof value === 'string') return toWellFormedText(value).text;
  throw invalid(code, `${name} is ${describe(value)}, expected a string`);
}

function invalid(code: InvalidArgumentCode, message: string): InvalidArgumentError {
  return new InvalidArgumentError(
    code,
    message,
    'Pass a path relative to the run directory, strings for names, and JSON for spec.',
  );
}
