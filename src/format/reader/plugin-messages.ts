/**
 * Decodes the messages of the HParams plugin and the custom scalars layout into plain values.
 *
 * Source: tensorboard/plugins/hparams/{plugin_data,api}.proto, tensorboard/plugins/custom_scalar/layout.proto.
 */

import { InvalidValueError } from '../../base/errors.js';
import { tensorboard } from '../wire/generated/plugins.js';

type HParamValue = number | string | boolean | null;

export interface DecodedHParamColumn {
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
  readonly type: 'unset' | 'string' | 'boolean' | 'number';
  readonly domain: readonly HParamValue[] | { readonly min: number; readonly max: number } | undefined;
}

export interface DecodedMetricColumn {
  readonly group: string;
  readonly tag: string;
  readonly displayName: string;
  readonly description: string;
  readonly dataset: 'unknown' | 'training' | 'validation';
}

/** The content of an HParams value: the columns, or the start or end of a session. Times in seconds; 0 when not set. */
export type HParamsData =
  | {
      readonly kind: 'experiment';
      readonly name: string;
      readonly description: string;
      readonly user: string;
      readonly timeCreated: number;
      readonly hparams: readonly DecodedHParamColumn[];
      readonly metrics: readonly DecodedMetricColumn[];
    }
  | {
      readonly kind: 'sessionStart';
      readonly hparams: Readonly<Record<string, HParamValue>>;
      readonly groupName: string;
      readonly modelUri: string;
      readonly monitorUrl: string;
      readonly startTime: number;
    }
  | {
      readonly kind: 'sessionEnd';
      readonly status: 'unknown' | 'success' | 'failure' | 'running';
      readonly endTime: number;
    };

/** A category of the custom scalars dashboard. */
export interface LayoutCategory {
  readonly title: string;
  readonly closed: boolean;
  readonly charts: readonly {
    readonly title: string;
    /** Regular expressions of tags; empty for a margin chart. */
    readonly multiline: readonly string[];
    readonly margin: readonly { readonly value: string; readonly lower: string; readonly upper: string }[];
  }[];
}

/** Decodes a plugin's message; absent content is an empty message. Throws `InvalidValueError`. */
export function decodeMessage<T>(
  tag: string,
  message: { decode(bytes: Uint8Array): T },
  content: Uint8Array = new Uint8Array(),
): T {
  try {
    return message.decode(content);
  } catch (cause) {
    throw new InvalidValueError(tag, 'cannot decode the plugin data', { cause });
  }
}

const STATUSES = ['unknown', 'success', 'failure', 'running'] as const;
const TYPES = ['unset', 'string', 'boolean', 'number'] as const;
const DATASETS = ['unknown', 'training', 'validation'] as const;

/** Decodes the content of HParams plugin data. Throws `InvalidValueError`. */
export function decodeHParams(tag: string, content: Uint8Array | undefined): HParamsData {
  const message = decodeMessage(tag, tensorboard.hparams.HParamsPluginData, content);
  const { experiment, sessionStartInfo: start, sessionEndInfo: end } = message;
  if (experiment != null) return toExperiment(experiment);
  if (start != null) {
    const values = Object.entries(start.hparams ?? {}).map(([name, value]) => [name, toValue(value)]);
    return {
      kind: 'sessionStart',
      hparams: Object.fromEntries(values) as Record<string, HParamValue>,
      groupName: start.groupName ?? '',
      modelUri: start.modelUri ?? '',
      monitorUrl: start.monitorUrl ?? '',
      startTime: start.startTimeSecs ?? 0,
    };
  }
  if (end != null) {
    return {
      kind: 'sessionEnd',
      status: STATUSES[end.status ?? 0] ?? 'unknown',
      endTime: end.endTimeSecs ?? 0,
    };
  }
  throw new InvalidValueError(tag, 'the HParams plugin data has no content');
}

function toExperiment(experiment: tensorboard.hparams.IExperiment): HParamsData {
  const { name, description, user, timeCreatedSecs, hparamInfos, metricInfos } = experiment;
  return {
    kind: 'experiment',
    name: name ?? '',
    description: description ?? '',
    user: user ?? '',
    timeCreated: timeCreatedSecs ?? 0,
    hparams: (hparamInfos ?? []).map((info) => ({
      name: info.name ?? '',
      displayName: info.displayName ?? '',
      description: info.description ?? '',
      type: TYPES[info.type ?? 0] ?? 'unset',
      domain: toDomain(info),
    })),
    metrics: (metricInfos ?? []).map((info) => ({
      group: info.name?.group ?? '',
      tag: info.name?.tag ?? '',
      displayName: info.displayName ?? '',
      description: info.description ?? '',
      dataset: DATASETS[info.datasetType ?? 0] ?? 'unknown',
    })),
  };
}

function toDomain({
  domainDiscrete,
  domainInterval,
}: tensorboard.hparams.IHParamInfo): DecodedHParamColumn['domain'] {
  if (domainInterval != null) return { min: domainInterval.minValue ?? 0, max: domainInterval.maxValue ?? 0 };
  return domainDiscrete == null ? undefined : (domainDiscrete.values ?? []).map(toValue);
}

/** Converts a `google.protobuf.Value` of a kind that hyperparameters can have. */
function toValue(value: {
  numberValue?: number | null;
  stringValue?: string | null;
  boolValue?: boolean | null;
}): HParamValue {
  return value.numberValue ?? value.stringValue ?? value.boolValue ?? null;
}

/** Decodes a custom scalars layout. Throws `InvalidValueError`. */
export function decodeLayout(tag: string, bytes: Uint8Array): LayoutCategory[] {
  const layout = decodeMessage(tag, tensorboard.Layout, bytes);
  return (layout.category ?? []).map(({ title, closed, chart }) => ({
    title: title ?? '',
    closed: closed ?? false,
    charts: (chart ?? []).map((item) => ({
      title: item.title ?? '',
      multiline: item.multiline?.tag ?? [],
      margin: (item.margin?.series ?? []).map(({ value, lower, upper }) => ({
        value: value ?? '',
        lower: lower ?? '',
        upper: upper ?? '',
      })),
    })),
  }));
}
