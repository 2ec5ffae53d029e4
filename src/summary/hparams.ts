/**
 * Hyperparameters: the columns of an experiment, and the values, start and end of a session.
 *
 * TensorBoard's form is metadata with an `HParamsPluginData` on a tensor without elements, under three fixed tags. The first value
 * of a tag in a run is final: neither values nor status can change later.
 * Source: tensorboard/plugins/hparams/{summary,metadata}.py, plugin_data.proto, api.proto.
 */

import { describe } from '../base/describe.js';
import { invalidArgument } from '../base/errors.js';
import { toWellFormedText } from '../base/well-formed-text.js';
import { tensorboard } from '../format/wire/generated/plugins.js';
import { DataType, type SummaryMetadata, type SummaryValue } from '../format/wire/messages.js';
import { createMetadata } from './plugin-data.js';

/** The value of a hyperparameter. NaN and the infinities are written as text, because TensorBoard drops them as numbers. */
export type HParamValue = number | string | boolean;

/** The possible values of a hyperparameter: a list, or an interval. */
export type HParamDomain = readonly HParamValue[] | { readonly min: number; readonly max: number };

/** A column of hyperparameters. Without `domain`, `type` is its type. */
export interface HParamColumn {
  readonly name: string;
  readonly displayName?: string | undefined;
  /** Markdown. */
  readonly description?: string | undefined;
  readonly domain?: HParamDomain | undefined;
  /** The type of the values. Default: the type of the domain's values. */
  readonly type?: 'number' | 'string' | 'boolean' | undefined;
}

/** A column of metrics, which shows the last value of a scalar tag. */
export interface MetricColumn {
  readonly tag: string;
  /** A run below the run of the session, such as `eval`. Default: the run of the session. */
  readonly group?: string | undefined;
  readonly displayName?: string | undefined;
  /** Markdown. */
  readonly description?: string | undefined;
  readonly dataset?: 'training' | 'validation' | undefined;
}

/** The columns that TensorBoard shows. Write it once for all sessions, in any of their runs or in the log directory. */
export interface HParamsConfig {
  readonly hparams: readonly HParamColumn[];
  readonly metrics: readonly MetricColumn[];
  readonly name?: string | undefined;
  /** Markdown. */
  readonly description?: string | undefined;
  readonly user?: string | undefined;
}

/** The options of a session. */
export interface SessionOptions {
  /** TensorBoard shows the sessions of a group in one row, as repetitions of a trial. Default: a separate group. */
  readonly groupName?: string | undefined;
  readonly modelUri?: string | undefined;
  readonly monitorUrl?: string | undefined;
}

export type SessionOutcome = 'success' | 'failure' | 'unknown';

export const EXPERIMENT_TAG = '_hparams_/experiment';
export const SESSION_START_TAG = '_hparams_/session_start_info';
export const SESSION_END_TAG = '_hparams_/session_end_info';

type Value = tensorboard.hparams.IHParamsPluginData;
type HParamsValue = SummaryValue & { readonly metadata: SummaryMetadata };

const OUTCOMES = {
  success: tensorboard.hparams.Status.STATUS_SUCCESS,
  failure: tensorboard.hparams.Status.STATUS_FAILURE,
  unknown: tensorboard.hparams.Status.STATUS_UNKNOWN,
  running: tensorboard.hparams.Status.STATUS_RUNNING,
} as const;

const TYPES = {
  string: tensorboard.hparams.DataType.DATA_TYPE_STRING,
  boolean: tensorboard.hparams.DataType.DATA_TYPE_BOOL,
  number: tensorboard.hparams.DataType.DATA_TYPE_FLOAT64,
} as const;

const DATASETS = {
  training: tensorboard.hparams.DatasetType.DATASET_TRAINING,
  validation: tensorboard.hparams.DatasetType.DATASET_VALIDATION,
} as const;

/** Builds the value with the columns. `wallTime` in seconds. Throws `ERR_HPARAMS_INVALID`. */
export function createExperimentValue(config: HParamsConfig, wallTime: number): SummaryValue {
  if (!Array.isArray(config?.hparams) || !Array.isArray(config.metrics)) {
    throw invalid(`config is ${describe(config)}, expected { hparams: [columns], metrics: [columns] }`);
  }
  return createValue(EXPERIMENT_TAG, {
    experiment: {
      ...texts({ description: config.description, user: config.user }),
      timeCreatedSecs: wallTime,
      hparamInfos: Array.from(config.hparams, parseHParamInfo),
      metricInfos: Array.from(config.metrics, parseMetricInfo),
      ...texts({ name: config.name }),
    },
  });
}

/** Builds the value that starts a session. `wallTime` in seconds. Throws `ERR_HPARAMS_INVALID`. */
export function createSessionStartValue(
  hparams: Readonly<Record<string, HParamValue>>,
  wallTime: number,
  options: SessionOptions = {},
): HParamsValue {
  if (typeof hparams !== 'object' || hparams === null || Array.isArray(hparams)) {
    throw invalid(`hparams is ${describe(hparams)}, expected an object`);
  }
  // Sort by the names' bytes, as in protobuf's deterministic form.
  const names = Object.keys(hparams).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const values = names.map((name) => [
    checkName('a hyperparameter', name),
    parseProtoValue(name, hparams[name]),
  ]);
  return createValue(SESSION_START_TAG, {
    sessionStartInfo: {
      hparams: Object.fromEntries(values),
      ...texts({ modelUri: options.modelUri, monitorUrl: options.monitorUrl, groupName: options.groupName }),
      ...(wallTime === 0 ? {} : { startTimeSecs: wallTime }),
    },
  });
}

/** Builds the value that ends a session. `wallTime` in seconds. */
export function createSessionEndValue(outcome: SessionOutcome | 'running', wallTime: number): HParamsValue {
  const status = OUTCOMES[outcome];
  return createValue(SESSION_END_TAG, {
    sessionEndInfo: {
      ...(status === 0 ? {} : { status }),
      ...(wallTime === 0 ? {} : { endTimeSecs: wallTime }),
    },
  });
}

function createValue(tag: string, data: Value): HParamsValue {
  const content = tensorboard.hparams.HParamsPluginData.encode(data).finish();
  return {
    tag,
    metadata: createMetadata('hparams', {}, content),
    value: { kind: 'tensor', tensor: { dtype: DataType.FLOAT, shape: [0] } },
  };
}

function parseHParamInfo(column: HParamColumn): tensorboard.hparams.IHParamInfo {
  const name = checkName('a hyperparameter', column?.name);
  const { domain } = column;
  const type = column.type ?? (domain === undefined ? undefined : typeOfDomain(name, domain));
  if (type !== undefined && !isKeyOf(TYPES, type)) {
    throw invalid(`type of ${name} is ${describe(type)}, expected number, string or boolean`);
  }
  return {
    name,
    ...texts({ displayName: column.displayName, description: column.description }),
    ...(type === undefined ? {} : { type: TYPES[type] }),
    ...(domain === undefined ? {} : parseDomain(name, domain)),
  };
}

function typeOfDomain(name: string, domain: HParamDomain): keyof typeof TYPES {
  if (!isList(domain)) return 'number';
  const types = new Set(Array.from(domain, (value) => typeof value));
  const [type] = types;
  if (types.size === 1 && isKeyOf(TYPES, type)) return type;
  throw invalid(
    `domain of ${name} has ${[...types].join(' and ') || 'nothing'}, expected values of one type`,
  );
}

function parseDomain(name: string, domain: HParamDomain): tensorboard.hparams.IHParamInfo {
  if (isList(domain))
    return { domainDiscrete: { values: Array.from(domain, (value) => parseProtoValue(name, value)) } };
  if (typeof domain !== 'object' || domain === null) {
    throw invalid(`domain of ${name} is ${describe(domain)}, expected { min, max } or a list of values`);
  }
  const { min, max } = domain;
  if (!Number.isFinite(min) || !Number.isFinite(max) || min > max) {
    throw invalid(
      `domain of ${name} is ${describe(min)} to ${describe(max)}, expected finite and ascending numbers`,
    );
  }
  return {
    domainInterval: { ...(min === 0 ? {} : { minValue: min }), ...(max === 0 ? {} : { maxValue: max }) },
  };
}

function isKeyOf<Table extends object>(table: Table, key: unknown): key is keyof Table {
  return typeof key === 'string' && Object.hasOwn(table, key);
}

function isList(domain: HParamDomain): domain is readonly HParamValue[] {
  return Array.isArray(domain);
}

function parseMetricInfo(column: MetricColumn): tensorboard.hparams.IMetricInfo {
  const tag = checkName('the tag of a metric', column?.tag);
  const { dataset } = column;
  if (dataset !== undefined && !isKeyOf(DATASETS, dataset)) {
    throw invalid(`dataset of ${tag} is ${describe(dataset)}, expected training or validation`);
  }
  return {
    name: { ...texts({ group: column.group }), tag },
    ...texts({ displayName: column.displayName, description: column.description }),
    ...(dataset === undefined ? {} : { datasetType: DATASETS[dataset] }),
  };
}

function parseProtoValue(name: string, value: unknown) {
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'string') return { stringValue: toWellFormedText(value).text };
  if (typeof value === 'number') {
    return Number.isFinite(value) ? { numberValue: value } : { stringValue: String(value) };
  }
  throw invalid(`${name} is ${describe(value)}, expected a number, string or boolean`);
}

/** The texts that are given and not empty. */
function texts<K extends string>(given: Record<K, string | undefined>): Partial<Record<K, string>> {
  const entries = Object.entries<string | undefined>(given).flatMap(([key, text]) => {
    if (text === undefined || text === '') return [];
    if (typeof text !== 'string') throw invalid(`${key} is ${describe(text)}, expected a string`);
    return [[key, toWellFormedText(text).text]];
  });
  return Object.fromEntries(entries) as Partial<Record<K, string>>;
}

function checkName(what: string, name: unknown): string {
  if (typeof name === 'string' && name !== '') return toWellFormedText(name).text;
  throw invalid(`${what} is ${name === '' ? 'empty' : describe(name)}, expected a string`);
}

const invalid = invalidArgument(
  'ERR_HPARAMS_INVALID',
  'Pass { name: number, string or boolean }; convert other values with JSON.stringify.',
);
