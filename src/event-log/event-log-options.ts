/**
 * The options of `EventLog` and its methods.
 */

import type { OptionTable } from '../base/options.js';
import type { EventFileWriterOptions } from '../format/writer/event-file-options.js';
import type { DataframeContentType } from '../polyaxon/kinds/dataframe.js';
import { EVENT_OPTIONS, type EventOptions } from '../summary/arguments.js';
import { BIN_OPTIONS, type BinOptions } from '../summary/histogram-bins.js';
import { VIDEO_OPTIONS, type VideoOptions } from '../summary/video.js';
import { IMAGE_CHANGE, type ImageChange } from './media-file.js';

export interface EventLogOptions extends EventFileWriterOptions {
  /**
   * Returns whether to write an event. Events that are not written are counted as `EVENTS_SAMPLED_OUT`. Default: all are written.
   * Use it to thin out frequent events: `({ step }) => Number(step) % 100 === 0`.
   */
  readonly filter?:
    | ((event: { readonly tag: string; readonly step: number | bigint }) => boolean)
    | undefined;
}

/** Options shared by events with several names. */
export type SharedEventOptions = Omit<EventOptions, 'displayName' | 'description'>;
export const SHARED_EVENT_OPTIONS: OptionTable<SharedEventOptions> = {
  step: 'any',
  wallTime: 'any',
  timestamp: 'any',
};

/** Options of a column of values, each with its own step. */
export type SeriesOptions = Omit<EventOptions, 'step'>;
export const SERIES_OPTIONS: OptionTable<SeriesOptions> = {
  wallTime: 'any',
  timestamp: 'any',
  displayName: 'string',
  description: 'string',
};

export interface ImageOptions extends EventOptions, ImageChange {}
export const IMAGE_OPTIONS: OptionTable<ImageOptions> = { ...EVENT_OPTIONS, ...IMAGE_CHANGE };

export interface HistogramOptions extends EventOptions, BinOptions {}
export const HISTOGRAM_OPTIONS: OptionTable<HistogramOptions> = { ...EVENT_OPTIONS, ...BIN_OPTIONS };

/** Options of a histogram with given bin counts. */
export interface NumpyHistogramOptions extends EventOptions {
  /** The maximum number of bins; more cause an error. Default 512. */
  readonly maxBins?: number | undefined;
}
export const NUMPY_HISTOGRAM_OPTIONS: OptionTable<NumpyHistogramOptions> = {
  ...EVENT_OPTIONS,
  maxBins: 'any',
};

export interface GifOptions extends EventOptions, VideoOptions {}

export interface VideoEventOptions extends GifOptions {
  /** Alias of `framesPerSecond`, as in Python. */
  readonly fps?: number | undefined;
}
export const VIDEO_EVENT_OPTIONS: OptionTable<VideoEventOptions> = {
  ...EVENT_OPTIONS,
  ...VIDEO_OPTIONS,
  fps: 'any',
};

export interface DataframeOptions extends EventOptions {
  /** The file format. Default `csv`. */
  readonly contentType?: DataframeContentType | undefined;
}
export const DATAFRAME_OPTIONS: OptionTable<DataframeOptions> = { ...EVENT_OPTIONS, contentType: 'any' };
