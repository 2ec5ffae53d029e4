/** Describes a value of any size in a few words, for messages. Never calls code of the value, and never throws. */

const MAX_TEXT_LENGTH = 80;
const MAX_KEYS = 5;

/** Returns a short description, such as `"abc"`, `5 (number)`, `an array of length 3` or `an object with the keys a, b`. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'undefined':
      return 'undefined';
    case 'function':
      return 'a function';
    case 'object':
      return value === null ? 'null' : describeObject(value);
    default:
      return `${shorten(String(value))} (${typeof value})`;
  }
}

/** Returns a text in quotes, cut to a length that fits into a message. */
export function quote(text: string): string {
  return text.length <= MAX_TEXT_LENGTH
    ? JSON.stringify(text)
    : `${JSON.stringify(shorten(text))} (${text.length} characters)`;
}

function describeObject(value: object): string {
  try {
    if (Array.isArray(value)) return `an array of length ${value.length}`;
    const name = nameOf(value);
    if (ArrayBuffer.isView(value) && 'length' in value) return `a ${name} of length ${value.length}`;
    if (name !== 'Object') return `an object (${name})`;
    const keys = Object.keys(value);
    if (keys.length === 0) return 'an empty object';
    const shown = shorten(keys.slice(0, MAX_KEYS).join(', '));
    const rest = keys.length > MAX_KEYS ? ` and ${keys.length - MAX_KEYS} more` : '';
    return `an object with the key${keys.length === 1 ? '' : 's'} ${shown}${rest}`;
  } catch {
    // A proxy may throw at any access.
    return 'an object';
  }
}

function nameOf(value: object): string {
  const prototype = Object.getPrototypeOf(value);
  if (prototype === null) return 'Object';
  const owner = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof owner === 'function' && typeof owner.name === 'string' && owner.name !== ''
    ? shorten(owner.name)
    : 'no class';
}

/** Returns a text cut to a length that fits into a message. */
export function shorten(text: string, maxLength = MAX_TEXT_LENGTH): string {
  return text.length <= maxLength ? text : `${text.slice(0, maxLength).toWellFormed()}…`;
}
