/** Creates unusual or malicious files and directories in a directory of runs, each with the expected outcome. */

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export interface Shape {
  readonly what: string;
  /** Raw path on disk, relative to `runs/`. */
  readonly path: Buffer;
  /** `stored`, the reason of `skipped`, or the code of `unsent`. */
  readonly outcome: string;
}

export interface Outside {
  /** A directory outside the root, with a file `secret.txt` that the uploader must not read. */
  readonly directory: string;
  readonly secret: string;
}

type Name = string | Buffer;

const HOLES_BYTES = 65 * 1024 * 1024;
const MAX_IGNORE_FILE_BYTES = 1024 * 1024;
const isRoot = process.getuid?.() === 0;

/**
 * Creates all shapes in a directory `runs/`, most of them in the run `uuid`. Devices are created only by root, and unreadable files only by
 * other users, because root can read every file.
 */
export async function makeShapes(runs: string, uuid: string, outside: Outside): Promise<Shape[]> {
  const shapes: Shape[] = [];
  const run = join(runs, uuid);
  const addAt = (what: string, names: readonly Name[], outcome: string): Buffer => {
    const path = joinNames(names);
    shapes.push({ what, path, outcome });
    return Buffer.concat([Buffer.from(`${runs}/`), path]);
  };
  const add = (what: string, names: readonly Name[], outcome: string): Buffer =>
    addAt(what, [uuid, ...names], outcome);
  const inDirectory = (name: string): string => {
    mkdirSync(join(run, name), { recursive: true });
    return name;
  };

  makeLinks(run, outside, (what, names) => add(what, names, 'symbolic-link'), inDirectory('links'));
  await makeSpecial((what, names) => add(what, names, 'not-regular'), inDirectory('special'));
  linkSync(outside.secret, add('a hard link to a file outside', ['special', 'hard'], 'hard-link'));

  const names = inDirectory('names');
  for (const [what, name] of ODD_NAMES)
    writeFileSync(add(what, [names, name], 'stored'), `content of ${what}`);
  const left = inDirectory('left-out');
  for (const [name, reason] of LEFT_OUT)
    writeFileSync(add(`named ${name}`, [left, name], reason), outside.secret);
  for (const [name, reason] of LEFT_OUT_DIRECTORIES) {
    mkdirSync(add(`a directory ${name}`, [left, name], reason));
    writeFileSync(join(run, left, name, 'inside.txt'), outside.secret);
  }
  makeLong(run, add);
  mkdirSync(join(run, names, 'events.out.tfevents.1.directory'));
  writeFileSync(
    add(
      'in a directory that is named like an event file',
      [names, 'events.out.tfevents.1.directory', 'x'],
      'stored',
    ),
    'x',
  );
  writeFileSync(add('an empty file', [names, 'empty'], 'stored'), '');
  mkdirSync(join(run, names, 'empty-directory'));
  makeUnreadable(inDirectory('unreadable'), add);
  writeFileSync(add('a file that is mostly a hole', [names, 'holes'], 'stored'), 'begins');
  truncateSync(join(run, names, 'holes'), HOLES_BYTES);
  makeRunFiles(runs, outside, addAt);
  return shapes;
}

function makeLinks(
  run: string,
  { directory, secret }: Outside,
  add: (what: string, names: readonly Name[]) => Buffer,
  links: string,
): void {
  const targets: [what: string, name: Name, target: string][] = [
    ['a link to a file outside', 'file', secret],
    ['a link to a directory outside', 'directory', directory],
    ['a relative link out of the tree', 'relative', '../../../../outside/secret.txt'],
    ['a link to another run', 'other-run', '../../'],
    ['a link to a missing file', 'dangling', 'nothing'],
    ['a link to itself', 'self', 'self'],
    ['one of two links to each other', 'loop-1', 'loop-2'],
    ['the other of two links to each other', 'loop-2', 'loop-1'],
    ['a link to a link', 'chain', 'file'],
    ['a link to the environment of the reader', 'environ', '/proc/self/environ'],
    ['a link to an endless device', 'zero', '/dev/zero'],
    ['a link to standard input', 'stdin', '/dev/stdin'],
    ['a link to the root of the file system', 'slash', '/'],
    ['a link to its own directory', 'here', '.'],
    ['a link to the run itself', 'up', '..'],
    ['a link that is named like an event file', 'events.out.tfevents.1.link', secret],
    ['a link with a newline in its name', 'new\nline', secret],
    ['a link with a name that is not UTF-8', Buffer.from([0x66, 0xff]), secret],
    ['a link that is named like an artifact', 'model.bin', secret],
  ];
  for (const [what, name, target] of targets) symlinkSync(target, add(what, [links, name]));
  mkdirSync(join(run, 'outputs/tensorboard'), { recursive: true });
  symlinkSync(directory, add('a link instead of a log directory', ['outputs/tensorboard', 'train']));
}

async function makeSpecial(
  add: (what: string, names: readonly Name[]) => Buffer,
  special: string,
): Promise<void> {
  makeFifo(add('a FIFO', [special, 'fifo']));
  makeFifo(add('a FIFO named like an event file', [special, 'events.out.tfevents.1.fifo']));
  const path = String(add('a socket', [special, 'socket']));
  const server = createServer().listen(path);
  await new Promise((resolve) => server.once('listening', resolve));
  server.unref();
  if (!isRoot) return;
  execFileSync('mknod', [String(add('a character device', [special, 'zero'])), 'c', '1', '5']);
  execFileSync('mknod', [String(add('a block device', [special, 'loop'])), 'b', '7', '250']);
}

type Add = (what: string, names: readonly Name[], outcome: string) => Buffer;

function makeUnreadable(directory: string, add: Add): void {
  if (isRoot) return;
  const file = add('a file that cannot be read', [directory, 'file'], 'ERR_FILE_UNREADABLE');
  writeFileSync(file, 'unread', { mode: 0 });
  const closed = add('a directory that cannot be listed', [directory, 'directory'], 'ERR_FILE_UNREADABLE');
  mkdirSync(closed, { mode: 0 });
  onTestFinished(() => chmodSync(closed, 0o700)); // so that it can be removed
}

/** Creates odd run files and ignore files, which the scanner reads. */
function makeRunFiles(runs: string, { directory, secret }: Outside, add: Add): void {
  const uuidOf = (byte: string): string => {
    const uuid = byte.repeat(16);
    mkdirSync(join(runs, uuid));
    writeFileSync(add('a file beside an odd one', [uuid, 'file'], 'stored'), `of ${uuid}`);
    return uuid;
  };
  symlinkSync(secret, add('a link instead of a run file', [uuidOf('11'), 'run.plx.json'], 'symbolic-link'));
  makeFifo(add('a FIFO instead of a run file', [uuidOf('22'), 'run.plx.json'], 'not-regular'));
  const inside = join(runs, uuidOf('33'), 'run.plx.json');
  mkdirSync(inside);
  writeFileSync(
    add('in a directory instead of a run file', ['33'.repeat(16), 'run.plx.json', 'x'], 'stored'),
    'x',
  );
  writeFileSync(add('a run file in another format', [uuidOf('44'), 'run.plx.json'], 'stored'), '\u0000{{{');
  const huge = add('a run file with a hole', [uuidOf('55'), 'run.plx.json'], 'stored');
  writeFileSync(huge, '{');
  truncateSync(huge, HOLES_BYTES / 4);
  makeFifo(add('a FIFO instead of an ignore file', [uuidOf('66'), '.polytrackignore'], 'not-regular'));
  const ignore = [uuidOf('77'), '.polytrackignore'];
  symlinkSync(secret, add('a link instead of an ignore file', ignore, 'symbolic-link'));
  // Its patterns are unknown, so nothing in this directory is sent.
  const closed = '88'.repeat(16);
  mkdirSync(join(runs, closed));
  writeFileSync(join(runs, closed, 'file'), readFileSync(secret));
  const long = add('an ignore file that is too long', [closed, '.polytrackignore'], 'ERR_FILE_TOO_LARGE');
  writeFileSync(long, Buffer.alloc(MAX_IGNORE_FILE_BYTES + 1, '\n'));
  symlinkSync(directory, add('a link instead of a run', ['99'.repeat(16)], 'symbolic-link'));
  makeFifo(add('a FIFO among the runs', ['fifo'], 'not-regular'));
  mkdirSync(add('a directory among the runs that is not a run', ['no-run'], 'not-a-run'));
}

function makeFifo(path: Buffer): void {
  execFileSync('mkfifo', [path.toString()]);
}

function makeLong(run: string, add: Add): void {
  const names = 'names';
  writeFileSync(add('a name of 255 bytes', [names, 'n'.repeat(255)], 'stored'), 'long');
  writeFileSync(add('255 bytes of two-byte characters', [names, `${'é'.repeat(127)}x`], 'stored'), 'long');
  writeFileSync(
    add('85 bytes that are not UTF-8: 255 encoded', [names, Buffer.alloc(85, 0xff)], 'stored'),
    'long',
  );
  const tooLong = 'ERR_NAME_TOO_LONG';
  writeFileSync(
    add('100 bytes that are not UTF-8: 300 encoded', [names, Buffer.alloc(100, 0xfe)], tooLong),
    'long',
  );
  writeFileSync(add('86 per cent signs: 258 bytes encoded', [names, '%'.repeat(86)], tooLong), 'long');
  const deep = Array.from({ length: 4 }, (_, i) => String(i).repeat(230));
  mkdirSync(join(run, ...deep), { recursive: true });
  writeFileSync(add('a path that just fits into a key', [...deep, 'file'], 'stored'), 'deep');
  writeFileSync(add('a path that is too long for a key', [...deep, 'f'.repeat(120)], tooLong), 'deep');
}

/** Names of files that are stored, each under a key that can be decoded to the name. */
const ODD_NAMES: readonly (readonly [what: string, name: Name])[] = [
  ['a space', 'a b'],
  ['a space at the end', 'end '],
  ['a space at the beginning', ' begin'],
  ['a tab', 'a\tb'],
  ['a newline', 'a\nb'],
  ['a carriage return', 'a\rb'],
  ['a bell', 'a\u0007b'],
  ['an escape sequence', '\u001b[31mred'],
  ['DEL', 'a\u007fb'],
  ['a C1 control', 'a\u0085b'],
  ['a per cent sign', '100%'],
  ['an apparently encoded character', '%41'],
  ['an apparently encoded slash', '..%2F..%2Fetc'],
  ['a backslash', 'a\\b'],
  ['a path of another system', '..\\..\\secret'],
  ['a drive letter', 'C:\\x'],
  ['a colon', 'a:b'],
  ['quotes', '\'"`'],
  ['wild cards', '*?[a]'],
  ['a shell command', '$(touch x);|&'],
  ['markup', '<Key>&amp;<Key>'],
  ['plus', 'a+b'],
  ['a fragment and a query', '#a?b=c&d'],
  ['a leading dash', '-rf'],
  ['a leading dot', '.hidden'],
  ['three dots', '...'],
  ['a dot at the end', 'end.'],
  ['a name that only looks reserved', '.plx '],
  ['emoji', '🔥 loss'],
  ['é as one code point', 'caf\u00e9'],
  ['é as two code points', 'cafe\u0301'],
  ['a name in upper case', 'CASE'],
  ['the same name in lower case', 'case'],
  ['right-to-left text', '\u202etxt.exe'],
  ['a zero-width space', 'a\u200bb'],
  ['a byte order mark', '\ufeffbom'],
  ['U+FFFE', 'a\ufffeb'],
  ['U+FFFF', 'a\uffffb'],
  ['bytes that are not UTF-8', Buffer.from([0x61, 0xff, 0x62])],
  ['a truncated character', Buffer.from([0x61, 0xc3])],
  ['an overlong encoding of a slash', Buffer.from([0xc0, 0xaf])],
  ['half a surrogate pair', Buffer.from([0xed, 0xa0, 0x80])],
  ['text and bytes', Buffer.concat([Buffer.from('é%'), Buffer.from([0x80]), Buffer.from('\n')])],
];

const LEFT_OUT: readonly (readonly [name: string, reason: string])[] = [
  ['.plx', 'reserved'],
  ['.env', 'secret-shape'],
  ['id_rsa', 'secret-shape'],
  ['key.pem', 'secret-shape'],
  ['my-service-account.json', 'secret-shape'],
  ['model.bin.partial', 'unfinished'],
  ['model.tmp', 'unfinished'],
  ['backup~', 'tool'],
];

const LEFT_OUT_DIRECTORIES: readonly (readonly [name: string, reason: string])[] = [
  ['.git', 'tool'],
  ['.ssh', 'secret-shape'],
  ['.aws', 'secret-shape'],
];

function joinNames(names: readonly Name[]): Buffer {
  return Buffer.concat(names.flatMap((name, i) => [Buffer.from(i === 0 ? '' : '/'), Buffer.from(name)]));
}
