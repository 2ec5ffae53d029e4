/**
 * The options of `EventLog` and its methods.
 */

import type { EventFileWriterOptions } from '../format/writer/event-file-options.js';
import type { DataframeContentType } from '../polyaxon/kinds/dataframe.js';
import type { EventOptions } from '../summary/arguments.js';
import type { BinOptions } from '../summary/histogram-bins.js';
import type { VideoOptions } from '../summary/video.js';
import type { ImageChange } from './media-file.js';

export interface EventLogOptions extends EventFileWriterOptions {
  /**
   * Returns whether to write an event. Events that are not written are counted as `EVENTS_SAMPLED_OUT`. Default: all are written.
   * Use it to thin out frequent events: `({ step }) => Number(step) % 100 === 0`.
   */
  readonly filter?:
    | ((event: { readonly tag: string; readonly step: number | bigint }) => boolean)
    | undefined;
  /**
   * Whether names become tags unchanged. TensorBoard then shows only the first of two kinds that share a name. Default false: the
   * second kind gets the tag `name (kind)`.
   */
  readonly exactTags?: boolean | undefined;
}

/** Options shared by events with several names. */
export type SharedEventOptions = Omit<EventOptions, 'displayName' | 'description'>;

/** Options of a column of values, each with its own step. */
export type SeriesOptions = Omit<EventOptions, 'step'>;

export interface ImageOptions extends EventOptions, ImageChange {}

export interface HistogramOptions extends EventOptions, BinOptions {}

/** Options of a histogram with given bin counts. */
export interface NumpyHistogramOptions extends EventOptions {
  /** The maximum number of bins; more cause an error. Default 512. */
  readonly maxBins?: number | undefined;
}

export interface GifOptions extends EventOptions, VideoOptions {}

export interface VideoEventOptions extends GifOptions {
  /** Alias of `framesPerSecond`, as in Python. */
  readonly fps?: number | undefined;
}

export interface DataframeOptions extends EventOptions {
  /** The file format. Default `csv`. */
  readonly contentType?: DataframeContentType | undefined;
}
