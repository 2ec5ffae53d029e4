/** Converts the inputs of a run to hyperparameters, which TensorBoard knows as numbers, booleans and strings only. Pure. */

import type { JsonValue } from '../base/json-value.js';
import type { HParamValue } from './hparams.js';

/** TensorBoard's pages load all hyperparameters of all runs. */
const MAX_HPARAMS = 1000;
const MAX_TEXT = 1000;

interface SessionHParams {
  readonly hparams: Readonly<Record<string, HParamValue>>;
  /** The number of values that exceeded the limit of 1,000. */
  readonly omitted: number;
}

/**
 * Returns the hyperparameters for inputs. An object becomes one hyperparameter for each of its values (`optimizer.lr`), an array its JSON
 * text, and null none, so that its column remains one of numbers. Texts are cut at 1,000 characters. `nameOf` returns the name of an input.
 */
export function toSessionHParams(
  inputs: Readonly<Record<string, JsonValue>>,
  nameOf: (key: string) => string = (key) => key,
): SessionHParams {
  const found = new Map<string, HParamValue>();
  let omitted = 0;
  const add = (name: string, value: JsonValue): void => {
    if (value === null) return;
    const entries = isObject(value) ? Object.entries(value) : [];
    if (entries.length > 0) {
      for (const [key, inner] of entries) add(`${name}.${key}`, inner);
    } else if (found.size >= MAX_HPARAMS) omitted++;
    else found.set(toFreeName(name, found), toHParam(value));
  };
  for (const [key, value] of Object.entries(inputs)) add(nameOf(key) || key, value);
  return { hparams: Object.fromEntries(found), omitted };
}

function isObject(value: JsonValue): value is { readonly [key: string]: JsonValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function toHParam(value: JsonValue): HParamValue {
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  // No half of a surrogate pair may remain.
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT).toWellFormed()}…`;
}

/** Returns the name, with a number if another input has it: `{ 'a.b': 1, a: { b: 2 } }`. */
function toFreeName(name: string, taken: ReadonlyMap<string, unknown>): string {
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name} (${number})`;
  return free;
}
