/**
 * Options of the events that `EventLog` takes.
 */

import type { EventFileWriterOptions } from '../format/writer/event-file-options.js';
import type { DataframeContentType } from '../polyaxon/kinds/dataframe.js';
import type { EventOptions } from '../summary/arguments.js';
import type { BinOptions } from '../summary/histogram-bins.js';
import type { VideoOptions } from '../summary/video.js';
import type { ImageChange } from './media-file.js';

export interface EventLogOptions extends EventFileWriterOptions {
  /**
   * Decides which events are written; the others are counted as `EVENTS_SAMPLED_OUT`. Default: all. For what is logged more
   * often than anyone looks at it: `({ step }) => Number(step) % 100 === 0`.
   */
  readonly filter?:
    | ((event: { readonly tag: string; readonly step: number | bigint }) => boolean)
    | undefined;
  /**
   * Whether every tag is the name as given. Then TensorBoard shows only the first of two kinds that share a name. Default false: the
   * second kind gets the tag `name (kind)`.
   */
  readonly exactTags?: boolean | undefined;
}

/** Options that events under several names share. */
export type SharedEventOptions = Omit<EventOptions, 'displayName' | 'description'>;

/** Options of a column of values, each with a step of its own. */
export type SeriesOptions = Omit<EventOptions, 'step'>;

/** Options of an image. */
export interface ImageOptions extends EventOptions, ImageChange {}

/** Options of a histogram. */
export interface HistogramOptions extends EventOptions, BinOptions {}

/** Options of a histogram whose bins are counted already. */
export interface NumpyHistogramOptions extends EventOptions {
  /** More bins throw. Default 512. */
  readonly maxBins?: number | undefined;
}

/** Options of a GIF. */
export interface GifOptions extends EventOptions, VideoOptions {}

/** Options of a video. */
export interface VideoEventOptions extends GifOptions {
  /** `framesPerSecond` under Python's name. */
  readonly fps?: number | undefined;
}

/** Options of a table. */
export interface DataframeOptions extends EventOptions {
  /** The kind of file. Default `csv`. */
  readonly contentType?: DataframeContentType | undefined;
}
