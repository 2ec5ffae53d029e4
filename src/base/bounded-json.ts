/** Parses JSON from outside. */

import { messageOf } from './errors.js';

/** The characters that V8 repeats before an error. Source: V8, `JsonParser::LookUpErrorMessageForJsonToken`. */
const EXCERPT_BEFORE = 10;
/** Deeper values overflow the stack in code that walks them. Values of runs have few levels. */
const MAX_DEPTH = 1000;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Parses JSON. Throws `SyntaxError`, whose message repeats none of the text, if it is invalid or nested more than 1,000 levels deep. */
export function parseBoundedJson(text: string): unknown {
  if (isTooDeep(text)) throw new SyntaxError(`the JSON is nested more than ${MAX_DEPTH} levels deep`);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(toSyntaxProblem(error, text));
  }
}

/** The message of `JSON.parse`. V8 repeats the text around some errors, which may be a secret; `text` gives their line instead. */
export function toSyntaxProblem(error: unknown, text?: string): string {
  const message = messageOf(error);
  const [, problem, cut, excerpt = ''] =
    /^(Unexpected .*?), (\.{3})?"(.*)"(?:\.{3})? is not valid JSON$/s.exec(message) ?? [];
  if (problem === undefined) return message;
  const start = text?.indexOf(excerpt) ?? -1;
  if (start === -1) return problem;
  const line = text!.slice(0, start + (cut === undefined ? 0 : EXCERPT_BEFORE)).split('\n').length;
  return `${problem} in line ${line}`;
}

function isTooDeep(text: string): boolean {
  if (text.length <= 2 * MAX_DEPTH) return false;
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (isInString) {
      if (code === BACKSLASH) at += 1;
      else if (code === QUOTE) isInString = false;
    } else if (code === QUOTE) isInString = true;
    else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > MAX_DEPTH) return true;
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
  }
  return false;
}
