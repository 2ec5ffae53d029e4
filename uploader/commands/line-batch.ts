/** Batches lines of output, because one system call for each of 10,000 files costs more than formatting the lines. */

const WAIT_MS = 20;
const MAX_CHARS = 16 * 1024;

export class LineBatch {
  readonly #write: (text: string) => void;
  #waiting = '';
  #timer: NodeJS.Timeout | undefined;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** Writes the text within 20 ms. The caller flushes before the process ends. */
  add(text: string): void {
    this.#waiting += text;
    if (this.#waiting.length >= MAX_CHARS) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), WAIT_MS).unref();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#waiting;
    this.#waiting = '';
    if (text !== '') this.#write(text);
  }
}
