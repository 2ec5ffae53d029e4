/** The value types of settings: each parses a value and, in its error, tells the user what to write instead. Pure. */

import { RUN_UUID_PATTERN } from '../../src/run-directory/layout.js';
import { ConfigError } from '../base/errors.js';
import { KUBERNETES, MAX_SHARDS, type Shard } from '../cluster/shards.js';
import { type PolyaxonLocation, parsePolyaxonUrl } from '../polyaxon-api/polyaxon-url.js';

/** An unparsed value and its source. */
export interface Found {
  readonly value: unknown;
  /** A flag, a variable, or the path of the configuration file. */
  readonly source: string;
  /** The key, if the source is a configuration file. */
  readonly key?: string;
}

export interface ValueType<Value> {
  /** Stands for the value in `--help`. A toggle has none. */
  readonly placeholder?: string;
  /** The smallest and largest value, for `--help` and docs. */
  readonly range?: string;
  /** Throws a `ConfigError` that names the source. */
  readonly parse: (found: Found) => Value;
}

/** Milliseconds, written as seconds. `SyncConfig` appends the suffix to the setting's name. */
export interface SecondsType extends ValueType<number> {
  readonly suffix: 'Ms';
}

/** The address at which the uploader serves health and metrics. */
export interface HttpAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** On or off: a flag without a value. */
export const toggle: ValueType<boolean> = {
  parse: (found) => {
    const { value } = found;
    if (value === true || value === 'true' || value === '1') return true;
    if (value === false || value === 'false' || value === '0') return false;
    throw invalid(found, 'is not a boolean', 'Use true or false.');
  },
};

export function text(placeholder: string): ValueType<string> {
  return { placeholder, parse: parseText };
}

/** A text, or nothing. */
export function optionalText(placeholder: string): ValueType<string | true> {
  return { placeholder, parse: (found) => (found.value === true ? true : parseText(found)) };
}

/** One string or several. */
export const patterns: ValueType<readonly string[]> = {
  placeholder: '<pattern...>',
  parse: (found) => [found.value].flat().map((value) => parseText({ ...found, value })),
};

/** One name or several. */
export const names: ValueType<readonly string[]> = { ...patterns, placeholder: '<name...>' };

/** One or several `name=value`, in a variable separated by commas; in the configuration file also an object. */
export const tags: ValueType<Readonly<Record<string, string>>> = {
  placeholder: '<name=value...>',
  parse: (found) => {
    const { value } = found;
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    const given = isObject
      ? Object.entries(value).map(([name, text]) => `${name}=${wordOf(text)}`)
      : [value].flat();
    const pairs = given.flatMap((each) => parseText({ ...found, value: each }).split(','));
    const hint = 'Use name=value, such as team=vision.';
    return Object.fromEntries(
      pairs.map((pair) => {
        const [, name, text] = /^([^=]+)=(.*)$/s.exec(pair.trim()) ?? [];
        if (name === undefined) throw invalid({ ...found, value: pair }, 'is not a tag', hint);
        return [name, text ?? ''];
      }),
    );
  },
};

/** One of some words. */
export function oneOf<Word extends string>(...words: readonly Word[]): ValueType<Word> {
  const range = words.join(', ');
  return {
    placeholder: `<${words.join('|')}>`,
    parse: (found) => {
      const word = words.find((each) => each === found.value);
      if (word === undefined) throw invalid(found, 'is unknown', `Use one of ${range}.`);
      return word;
    },
  };
}

/** Directories, by patterns in the syntax of `.gitignore`; without one, the path itself, which is `.`. */
export const directories: ValueType<readonly string[]> = {
  placeholder: '[pattern...]',
  parse: (found) => {
    const values = [found.value].flat();
    if (values.length === 1 && values[0] === true) return ['.'];
    return values.map((value) => {
      const pattern = parseText({ ...found, value })
        .replace(/^\.\/(?=.)/, '/')
        .replace(/^\.\/$/, '.');
      const hint = 'Name directories below the path, such as "exp1", "exp*" or "/sweep/*".';
      if (/^!|^#|(^|\/)\.\.(\/|$)|^\/$/.test(pattern) || pattern.trim() === '')
        throw invalid({ ...found, value }, 'does not name a directory below the path', hint);
      return pattern;
    });
  },
};

export function wholeNumber(min: number, max: number): ValueType<number> {
  return numberType('a whole number', '<n>', min, max);
}

export function perSecond(min: number, max: number): ValueType<number> {
  return numberType('a number', '<n>', min, max);
}

export function seconds(min: number, max: number): SecondsType {
  const { parse, ...rest } = numberType('a number of seconds', '<seconds>', min, max);
  return { ...rest, parse: (found) => parse(found) * 1000, suffix: 'Ms' };
}

/** The text of a value that is written as one word; empty for an object, which a configuration file may have there. */
function wordOf(value: unknown): string {
  return typeof value === 'object' && value !== null ? '' : String(value);
}

const BYTE_UNITS: Readonly<Record<string, number>> = {
  ...{ '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 },
  ...{ ki: 2 ** 10, mi: 2 ** 20, gi: 2 ** 30, ti: 2 ** 40 },
};

/** A number of bytes, with or without a unit: `500k`, `10MB`, `1MiB`. */
export const bytes: ValueType<number> = {
  placeholder: '<bytes>',
  parse: (found) => {
    const match = /^(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?(?:\/s)?$/i.exec(wordOf(found.value).trim());
    const size = match === null ? 0 : Number(match[1]) * BYTE_UNITS[(match[2] ?? '').toLowerCase()]!;
    if (size >= 1) return size;
    throw invalid(found, 'is not a size', 'Use a number of bytes with a unit, such as 500k, 10MB or 1MiB.');
  },
};

const DURATION_MS: Readonly<Record<string, number>> = { s: 1e3, m: 60e3, h: 3.6e6, d: 86.4e6, w: 604.8e6 };

/** Milliseconds, written as `90s`, `30m`, `12h`, `7d` or `2w`. */
export const duration: ValueType<number> = {
  placeholder: '<time>',
  parse: (found) => {
    const match = /^(\d+(?:\.\d+)?)\s*([smhdw])$/.exec(wordOf(found.value).trim());
    if (match !== null) return Number(match[1]) * DURATION_MS[match[2] ?? '']!;
    throw invalid(found, 'is not a duration', 'Use a number with a unit, such as 90s, 30m, 12h, 7d or 2w.');
  },
};

/** The URL of an S3 server. */
export const endpoint: ValueType<string> = {
  placeholder: '<url>',
  parse: (found) => {
    const value = parseText(found);
    const url = URL.canParse(value) ? new URL(value) : null;
    // The URL names the store in the journal, so it must not contain credentials. The message does not repeat them either.
    if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
      throw new ConfigError(
        `${nameOf(found)}: value is not the URL of an S3 endpoint`,
        'Use http://host:port or https://host, without user name and password.',
      );
    return url.href.replace(/\/$/, '');
  },
};

/** A URL that is a secret: printing it shows its host only. */
export class SecretUrl {
  readonly host: string;
  readonly #url: URL;

  constructor(url: URL) {
    this.host = url.host;
    this.#url = url;
  }

  reveal(): URL {
    return new URL(this.#url);
  }
}

/** The URL of a webhook. It is a secret, because it is all that a program needs to write to its channel. No message repeats it. */
export const webhook: ValueType<SecretUrl> = {
  placeholder: '<url>',
  parse: (found) => {
    const { value } = found;
    const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : null;
    if (url !== null && /^https?:$/.test(url.protocol) && url.username === '') return new SecretUrl(url);
    throw new ConfigError(`${nameOf(found)}: value is not the URL of a webhook`, 'Use https://host/path.');
  },
};

/** A uuid without dashes; true: derive one. */
export const optionalUuid: ValueType<boolean | string> = {
  placeholder: '[uuid]',
  parse: (found) => {
    if (typeof found.value === 'boolean') return found.value;
    const uuid = parseText(found).replaceAll('-', '').toLowerCase();
    if (RUN_UUID_PATTERN.test(uuid)) return uuid;
    const hint = 'Use 32 hexadecimal digits, or no value to derive the uuid from the path.';
    throw invalid(found, 'is not a uuid', hint);
  },
};

/** One shard of several: `0/4` is the first of four. */
export const shard: ValueType<Shard> = {
  placeholder: '<i/n>',
  parse: (found) => {
    const [, index, count] = /^(\d{1,4})\/(\d{1,4})$/.exec(wordOf(found.value)) ?? [];
    if (index === undefined)
      throw invalid(found, 'is not a shard', 'Use i/n, such as 0/4 for the first of four.');
    return checkShard(found, { index: Number(index), count: Number(count) });
  },
};

/** Throws `ConfigError` for a shard that does not exist. */
export function checkShard(found: Found, shard: Shard): Shard {
  const { index, count } = shard;
  if (count > MAX_SHARDS) throw invalid(found, 'is out of range', `Use at most ${MAX_SHARDS} shards.`);
  if (index < count) return shard;
  const hint =
    count === 0
      ? 'Use at least one shard, such as 0/1.'
      : `Shards begin at 0: use 0/${count} to ${count - 1}/${count}.`;
  throw invalid(found, 'does not exist', hint);
}

/** The name of a cluster, which becomes part of a key, or of leases in Kubernetes. */
export const cluster: ValueType<string> = {
  placeholder: '<name>',
  parse: (found) => {
    const name = parseText(found);
    if (/^[\w-][\w.-]{0,63}$/.test(name)) return name;
    if (name.startsWith(KUBERNETES)) {
      // Source: Kubernetes, "Object Names and IDs": a DNS subdomain name; a dash and the shard follow.
      if (/^[a-z0-9]([a-z0-9-]{0,50}[a-z0-9])?$/.test(name.slice(KUBERNETES.length))) return name;
      const hint = 'Use up to 52 lower-case letters, digits and "-", not at the ends.';
      throw invalid(found, 'does not name a lease of Kubernetes', hint);
    }
    const hint =
      'Use up to 64 letters, digits, "-", "_" and ".", not starting with "."; or kubernetes:<name>.';
    throw invalid(found, 'is not a valid cluster name', hint);
  },
};

/** A port, with or without a host: `9400`, `:9400`, `0.0.0.0:9400`, `[::1]:9400`. */
export const httpAddress: ValueType<HttpAddress> = {
  placeholder: '<address>',
  parse: (found) => {
    const match = /^(?:(?:\[([0-9a-f:.]+)\]|([^:[\]]*)):)?(\d{1,5})$/i.exec(wordOf(found.value));
    const port = Number(match?.[3] ?? Number.NaN);
    if (match !== null && port <= 65_535) return { host: match[1] || match[2] || '127.0.0.1', port };
    throw invalid(found, 'is not an address', 'Use port or host:port, such as 9400 or 0.0.0.0:9400.');
  },
};

/** `polyaxon://…`, `http://host` or `host:port`; true: the server in the environment; false: none. */
export const polyaxonServer: ValueType<PolyaxonLocation | false> = {
  placeholder: '[url]',
  parse: (found) => {
    if (/^(false|off|no|0)$/i.test(wordOf(found.value))) return false;
    if (/^(true|on|yes|1)$/i.test(wordOf(found.value))) return parsePolyaxonUrl('polyaxon://');
    const url = parseText(found);
    try {
      if (/^https?:/i.test(url)) return parsePolyaxonUrl(`polyaxon+${url}`);
      return parsePolyaxonUrl(/^polyaxon(\+\w+)?:/i.test(url) ? url : `polyaxon://${url}`);
    } catch (cause) {
      // The URL may contain credentials, so the message does not repeat it.
      const message = `${nameOf(found)}: value is not the URL of a Polyaxon server`;
      const hint = 'Use polyaxon://host:port/owner/project, http://host:port or https://host.';
      throw new ConfigError(message, hint, { cause });
    }
  },
};

function numberType(kind: string, placeholder: string, min: number, max: number): ValueType<number> {
  const range = `${min.toLocaleString('en-US')} to ${max.toLocaleString('en-US')}`;
  const hint = `Use ${kind} from ${range}.`;
  return {
    placeholder,
    range,
    parse: (found) => {
      const { value } = found;
      const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
      if (typeof number !== 'number' || Number.isNaN(number)) throw invalid(found, 'is not a number', hint);
      if (number < min || number > max) throw invalid(found, 'is out of range', hint);
      if (kind !== 'a whole number' || Number.isInteger(number)) return number;
      throw invalid(found, 'is not a whole number', hint);
    },
  };
}

function parseText(found: Found): string {
  const { value, key } = found;
  const hint = `Pass a non-empty string, or ${key === undefined ? 'drop the flag' : 'remove the key'}.`;
  if (value === '') throw new ConfigError(`${nameOf(found)}: value is empty`, hint);
  if (typeof value !== 'string') throw invalid(found, 'is not a string', hint);
  return value;
}

function invalid(found: Found, problem: string, hint: string): ConfigError {
  return new ConfigError(`${nameOf(found)}: ${JSON.stringify(found.value)} ${problem}`, hint);
}

function nameOf({ source, key }: Found): string {
  return key === undefined ? source : `${source}: ${key}`;
}
