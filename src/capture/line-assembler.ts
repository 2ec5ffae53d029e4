/**
 * Assembles the lines of one stream from chunks that may end anywhere, even within a character.
 *
 * A carriage return restarts the line, so that only the last state of a progress bar is kept. Memory is bounded: characters beyond
 * the maximum length of a line are only counted.
 */

import { StringDecoder } from 'node:string_decoder';
import { toWellFormedText } from '../base/well-formed-text.js';
import { erasesLine, toPlainText } from './terminal-text.js';

/** A line with its control sequences, without its end. */
interface AssembledLine {
  readonly text: string;
  /** Number of UTF-16 code units of the line that were not kept. */
  readonly lostLength: number;
}

const NO_LINE: AssembledLine = { text: '', lostLength: 0 };
const END_OF_LINE_OR_STATE = /[\r\n]/g;

export class LineAssembler {
  readonly #onLine: (line: AssembledLine) => void;
  readonly #maxLength: number;
  readonly #decoder = new StringDecoder('utf8');
  #text = '';
  #lostLength = 0;
  /** The last state of the line before a carriage return that contains visible text. */
  #state = NO_LINE;
  #isProgress = false;

  /** `onLine` receives each line with visible text. Lines longer than `maxLength` are truncated. */
  constructor(onLine: (line: AssembledLine) => void, maxLength: number) {
    this.#onLine = onLine;
    this.#maxLength = maxLength;
  }

  /** Whether the last line has not ended yet. */
  get hasPartialLine(): boolean {
    return this.#text !== '' || this.#state !== NO_LINE;
  }

  /** Whether the partial line was restarted by a carriage return, as progress bars do. */
  get isProgress(): boolean {
    return this.#isProgress;
  }

  pushBytes(bytes: Uint8Array): void {
    this.#push(this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
  }

  /** Adds text. Half a character at its ends becomes U+FFFD, because the stream encodes each text separately. */
  pushText(text: string): void {
    this.#push(this.#decoder.end() + toWellFormedText(text).text);
  }

  /** Passes the partial line to `onLine`. */
  flush(): void {
    this.#push(this.#decoder.end());
    this.#endLine();
  }

  #push(text: string): void {
    let from = 0;
    END_OF_LINE_OR_STATE.lastIndex = 0;
    for (let end = END_OF_LINE_OR_STATE.exec(text); end !== null; end = END_OF_LINE_OR_STATE.exec(text)) {
      this.#append(text.slice(from, end.index));
      from = end.index + 1;
      if (end[0] === '\n') this.#endLine();
      else this.#endState();
      END_OF_LINE_OR_STATE.lastIndex = from;
    }
    this.#append(from === 0 ? text : text.slice(from));
  }

  #append(text: string): void {
    const kept = text.slice(0, this.#maxLength - this.#text.length);
    this.#text += kept;
    this.#lostLength += text.length - kept.length;
  }

  #endState(): void {
    this.#state = this.#takeState();
    this.#isProgress = true;
  }

  #endLine(): void {
    const line = this.#takeState();
    this.#state = NO_LINE;
    this.#isProgress = false;
    if (line !== NO_LINE) this.#onLine(line);
  }

  /** Returns the visible state of the line: the new state, or the previous one if the new one neither shows nor erases text. */
  #takeState(): AssembledLine {
    const line = { text: this.#text, lostLength: this.#lostLength };
    this.#text = '';
    this.#lostLength = 0;
    if (toPlainText(line.text).trim() !== '') return line;
    return erasesLine(line.text) ? NO_LINE : this.#state;
  }
}
