/**
 * `run.config`: the inputs of a run as an object. Reading returns what is stored; writing a property logs it like `logInputs`, also within
 * nested objects. The values are those of `run.plx.json`: there is no second copy.
 */

import { inspect } from 'node:util';
import { describe } from '../base/describe.js';
import { invalidArgument } from '../base/errors.js';
import type { JsonValue } from '../base/json-value.js';
import { toReadableName } from '../polyaxon/names.js';
import { logValues } from './metadata.js';
import type { RunContext } from './run-context.js';

/** The inputs of a run. `config.lr = 0.1` logs a parameter; `update` logs several, and returns the config with their types. */
export interface RunConfig {
  readonly update: <Values extends object>(values: Values) => RunConfig & Values;
  [name: string]: unknown;
}

type JsonMap = Readonly<Record<string, JsonValue>>;

export function createRunConfig(context: RunContext): RunConfig {
  const config: RunConfig = createView(context, [], (values) => {
    logValues(context, 'config.update', 'inputs', values, {});
    return config as never;
  });
  return config;
}

/** `path`: the names of the nested object; empty for the config. */
function createView(context: RunContext, path: readonly string[], update?: RunConfig['update']): RunConfig {
  const read = (): JsonMap => findMap(context, path);
  const keyOf = (name: string): string =>
    path.length > 0 || Object.hasOwn(read(), name) ? name : toReadableName(name);
  const find = (name: string): unknown => {
    const values = read();
    const key = keyOf(name);
    if (!Object.hasOwn(values, key)) return undefined;
    const value = values[key]!;
    return isMap(value) ? createView(context, [...path, key]) : freeze(structuredClone(value));
  };
  const isNamed = (name: string | symbol): name is string =>
    typeof name === 'string' && Object.hasOwn(read(), keyOf(name));
  const write = (name: string | symbol, value: unknown): void =>
    context.guard(() => {
      if (typeof name === 'symbol') throw invalid(`config: a name is ${String(name)}, expected a string`);
      if (path.length === 0 && name === 'update')
        throw invalid('config: update is the method that sets several parameters, and cannot be replaced');
      const [first = name, ...rest] = [...path, name];
      const values =
        path.length === 0 ? value : replace(context.directory.record.inputs?.[first], rest, value);
      logValues(context, 'config', 'inputs', Object.fromEntries([[first, values]]), {});
    });
  const refuse = (name: string | symbol): boolean => {
    context.guard(() => {
      throw invalid(`config: ${describe(name)} can only be set, as in config.name = value`);
    });
    return true;
  };
  // A console shows the target of a proxy, not what its traps return.
  const target = Object.defineProperty({}, inspect.custom, { value: read, configurable: true });
  return new Proxy(target as RunConfig, {
    get: (object, name) =>
      update !== undefined && name === 'update'
        ? update
        : isNamed(name)
          ? find(name)
          : Reflect.get(object, name),
    set: (_object, name, value) => {
      write(name, value);
      return true;
    },
    has: (object, name) => isNamed(name) || Reflect.has(object, name),
    ownKeys: () => Object.keys(read()),
    getOwnPropertyDescriptor: (_object, name) =>
      isNamed(name) ? { value: find(name), writable: true, enumerable: true, configurable: true } : undefined,
    deleteProperty: (_object, name) => (isNamed(name) ? refuse(name) : true),
    defineProperty: (_object, name) => refuse(name),
    setPrototypeOf: () => refuse('its prototype'),
    preventExtensions: () => false,
  });
}

function findMap({ directory }: RunContext, path: readonly string[]): JsonMap {
  let map: JsonMap = directory.record.inputs ?? {};
  for (const name of path) {
    const value: JsonValue | undefined = Object.hasOwn(map, name) ? map[name] : undefined;
    map = isMap(value) ? value : {};
  }
  return map;
}

/** Returns a copy of nested values in which the value at the path is another. */
function replace(values: JsonValue | undefined, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value;
  const map = isMap(values) ? values : {};
  const inner = Object.hasOwn(map, name) ? map[name] : undefined;
  return Object.fromEntries([...Object.entries(map), [name, replace(inner, rest, value)]]);
}

function isMap(value: JsonValue | undefined): value is JsonMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Lists cannot be changed in place, because the run would not notice. */
function freeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value;
  for (const each of Object.values(value)) freeze(each);
  return Object.freeze(value);
}

const invalid = invalidArgument(
  'ERR_PARAMS_INVALID',
  'Set parameters by name, as in run.config.lr = 0.1, or with logInputs.',
);
