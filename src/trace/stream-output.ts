/** Records the items of a stream for the output of its span: the joined text or a list of items, their number, and the time to the first item. */

import { messageOf } from '../base/errors.js';
import type { JsonValue } from '../base/json-value.js';
import { callUser } from '../base/user-callback.js';
import { ValueDescriber } from './describe-value.js';
import type { RecordedSpan } from './recorded-span.js';
import { cleanText } from './span-mask.js';

export interface StreamCapture<T> {
  readonly textOf: ((item: T) => string | null | undefined) | undefined;
  readonly captureOutput: boolean;
  /** Receives each item. Never throws. */
  readonly onValue?: ((item: T) => void) | undefined;
}

/** The key of `metadata` for the numbers of the stream. */
const STREAM_KEY = 'stream';

export class StreamOutput<T> {
  readonly span: RecordedSpan;
  readonly #capture: StreamCapture<T>;
  readonly #describer: ValueDescriber;
  readonly #startMs: number;
  #firstItemMs: number | undefined;
  #items = 0;
  #characters = 0;
  /** Kept up to twice the limit, so that a secret at the limit is complete for the masker. */
  #text = '';
  #list: JsonValue[] = [];
  #textError: string | undefined;

  constructor(span: RecordedSpan, capture: StreamCapture<T>) {
    this.span = span;
    this.#capture = capture;
    const { limits, mask, clock } = span.context;
    this.#describer = new ValueDescriber(limits, limits.maxOutputLength, mask);
    this.#startMs = clock.monotonicMs();
  }

  /** Records an item. Never throws, even if `textOf` throws. */
  add(item: T): void {
    this.#items += 1;
    if (this.span.state === 'open') this.#capture.onValue?.(item);
    this.#firstItemMs ??= this.span.context.clock.monotonicMs() - this.#startMs;
    if (!this.#capture.captureOutput || this.span.state !== 'open') return;
    const text = this.#textOf(item);
    if (text !== undefined) this.#addText(text);
    else if (this.#capture.textOf === undefined) this.#addItem(item);
  }

  end(): void {
    this.#finish(true);
    if (this.span.state === 'open') this.span.end();
  }

  fail(error: unknown): void {
    this.#finish(false);
    if (this.span.state === 'open') this.span.fail(error);
  }

  /** Ends the span of a stream whose consumer has left. */
  abandon(): void {
    this.#finish(false);
    this.span.abandon('The consumer left before the end of the stream');
  }

  /** Adds the output and the numbers to the span. `completed`: the source was read to its end. */
  #finish(completed: boolean): void {
    if (this.span.state !== 'open') return;
    const { outputs, metadata, trace, counts, context } = this.span;
    if (this.#capture.captureOutput && outputs.size === 0) {
      if (this.#list.length > 0) outputs.setJson('items', this.#list);
      if (this.#characters > 0) outputs.set('output', this.#text, trace);
    }
    trace.length += this.#describer.length;
    counts.cut += this.#describer.cut;
    counts.described += this.#describer.described;
    metadata.setJson(STREAM_KEY, {
      items: this.#items,
      completed,
      ...(this.#firstItemMs === undefined
        ? {}
        : { first_item_ms: Math.round(this.#firstItemMs * 1000) / 1000 }),
      ...(this.#characters > 0 ? { characters: this.#characters } : {}),
      ...(this.#textError === undefined
        ? {}
        : {
            text_error: cleanText(this.#textError, 'text_error', context.mask, context.limits.maxTextLength),
          }),
    });
  }

  #textOf(item: T): string | undefined {
    const { textOf } = this.#capture;
    if (textOf === undefined) return typeof item === 'string' ? item : undefined;
    const onFailure = (error: unknown): void => {
      this.#textError ??= messageOf(error);
    };
    const text: unknown = callUser(() => textOf(item), onFailure, undefined);
    return text == null ? undefined : callUser(() => String(text), onFailure, undefined);
  }

  #addText(part: string): void {
    this.#characters += part.length;
    const left = 2 * this.span.context.limits.maxTextLength - this.#text.length;
    if (left > 0) this.#text += part.slice(0, left);
  }

  #addItem(item: T): void {
    const { maxItems, maxOutputLength } = this.span.context.limits;
    if (this.#list.length < maxItems && this.#describer.length < maxOutputLength) {
      this.#list.push(this.#describer.describe(item, 'items'));
    } else {
      this.span.counts.cut += 1;
    }
  }
}
