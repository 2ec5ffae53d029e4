/**
 * Puts the lines of one stream together from chunks that end anywhere, within a character too.
 *
 * A carriage return begins the line anew: of a progress bar only the last state is kept. Memory is bounded: of a line that is
 * too long the rest is counted.
 */

import { StringDecoder } from 'node:string_decoder';
import { toWellFormedText } from '../base/well-formed-text.js';
import { erasesLine, toPlainText } from './terminal-text.js';

/** A line as it was written, control sequences included, without its end. */
export interface AssembledLine {
  readonly text: string;
  /** UTF-16 code units of the line that were not kept. */
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
  /** The last state of the line before a carriage return in which something can be read. */
  #state = NO_LINE;
  #isProgress = false;

  /** `onLine` gets each line in which something can be read. Of longer lines than `maxLength` the beginning is kept. */
  constructor(onLine: (line: AssembledLine) => void, maxLength: number) {
    this.#onLine = onLine;
    this.#maxLength = maxLength;
  }

  /** Whether the last line is not at its end yet. */
  get hasPartialLine(): boolean {
    return this.#text !== '' || this.#state !== NO_LINE;
  }

  /** Whether the line that is not at its end yet has been begun anew, as progress bars do. */
  get isProgress(): boolean {
    return this.#isProgress;
  }

  pushBytes(bytes: Uint8Array): void {
    this.#push(this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)));
  }

  /** A text is encoded on its own when it is written: halves of a character at its ends become U+FFFD there, and here. */
  pushText(text: string): void {
    this.#push(this.#decoder.end() + toWellFormedText(text).text);
  }

  /** Gives the last line although it is not at its end. */
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

  /** What the line shows now: its new state, or the one before if the new one shows nothing and erases nothing. */
  #takeState(): AssembledLine {
    const line = { text: this.#text, lostLength: this.#lostLength };
    this.#text = '';
    this.#lostLength = 0;
    if (toPlainText(line.text).trim() !== '') return line;
    return erasesLine(line.text) ? NO_LINE : this.#state;
  }
}
