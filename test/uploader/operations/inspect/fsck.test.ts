import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toHiddenFileName } from '../../../../src/format/event-file-name.js';
import { encodeRecord } from '../../../../src/format/record/record-codec.js';
import { encodeEvent, joinPieces } from '../../../../src/format/wire/encode-event.js';
import { DataClass, DataType, type Event } from '../../../../src/format/wire/messages.js';
import type { FileCheck } from '../../../../uploader/operations/inspect/fsck.js';
import type { RepairedFile } from '../../../../uploader/operations/inspect/repair.js';
import { runCli } from '../../../support/cli.js';
import { describeWithPeers } from '../../../support/peers.js';
import { runCommand } from '../../../support/run-command.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { TensorBoard } from '../../../support/tensorboard.js';

const WALL_TIME = 1_700_000_000;
const FILE = 'events.out.tfevents.1700000000.host';

function record(event: Event): Buffer {
  return Buffer.from(encodeRecord(joinPieces(encodeEvent(event))));
}

const VERSION = record({
  wallTime: WALL_TIME,
  step: 0,
  what: { kind: 'fileVersion', fileVersion: 'brain.Event:2' },
});

/** A scalar `loss` whose value is its step. */
function scalar(step: number, wallTime = WALL_TIME + step): Buffer {
  const tensor = { dtype: DataType.FLOAT, shape: [], floatVal: Float32Array.of(step) };
  const metadata = { pluginName: 'scalars', dataClass: DataClass.SCALAR };
  const values = [{ tag: 'loss', metadata, value: { kind: 'tensor' as const, tensor } }];
  return record({ wallTime, step, what: { kind: 'summary', values } });
}

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at]! ^= 0x10;
  return copy;
}

const NO_EVENT = Buffer.from(encodeRecord(Uint8Array.of(0xff, 0xff, 0xff)));
const SIZE = scalar(1).length;

/** Damaged files: their pieces, the expected problems (kind and index of the piece), and the steps that survive a repair. */
const DAMAGED: Record<
  string,
  { pieces: Buffer[]; problems: [kind: string, piece: number][]; steps: number[] }
> = {
  'cut-tail': {
    pieces: [VERSION, scalar(1), scalar(2), scalar(3).subarray(0, SIZE - 9)],
    problems: [['tail', 3]],
    steps: [1, 2],
  },
  'torn-then-more': {
    pieces: [VERSION, scalar(1), scalar(2).subarray(0, SIZE - 9), scalar(3), scalar(4)],
    problems: [['data', 2]],
    steps: [1, 3, 4],
  },
  'torn-and-long': {
    pieces: [
      VERSION,
      scalar(1),
      Buffer.from(encodeRecord(new Uint8Array(5000))).subarray(0, 60),
      scalar(3),
      scalar(4),
    ],
    problems: [['torn', 2]],
    steps: [1, 3, 4],
  },
  'length-crc': {
    pieces: [VERSION, scalar(1), flip(scalar(2), 9), scalar(3)],
    problems: [['length', 2]],
    steps: [1, 3],
  },
  'data-crc': {
    pieces: [VERSION, scalar(1), flip(scalar(2), SIZE - 1), scalar(3)],
    problems: [['data', 2]],
    steps: [1, 3],
  },
  'value-flipped': {
    pieces: [VERSION, scalar(1), flip(scalar(2), SIZE - 30), scalar(3)],
    problems: [['data', 2]],
    steps: [1, 3],
  },
  garbage: {
    pieces: [VERSION, scalar(1), Buffer.from('garbage in between'), scalar(2)],
    problems: [['length', 2]],
    steps: [1, 2],
  },
  zeros: {
    pieces: [VERSION, scalar(1), Buffer.alloc(4096), scalar(2)],
    problems: [['length', 2]],
    steps: [1, 2],
  },
  'no-event': {
    pieces: [VERSION, scalar(1), NO_EVENT, scalar(2)],
    problems: [['event', 2]],
    steps: [1, 2],
  },
  'wall-times': {
    pieces: [VERSION, scalar(1), scalar(2, Number.NaN), scalar(3, Number.POSITIVE_INFINITY), scalar(4)],
    problems: [
      ['wallTime', 2],
      ['wallTime', 3],
    ],
    steps: [1, 2, 3, 4],
  },
  'first-record': {
    pieces: [flip(VERSION, 14), scalar(5), scalar(6)],
    problems: [
      ['data', 0],
      ['noFileVersion', 1],
    ],
    steps: [5, 6],
  },
  'all-at-once': {
    pieces: [
      VERSION,
      Buffer.from('?'),
      scalar(1),
      NO_EVENT,
      flip(scalar(2), 3),
      scalar(3),
      scalar(4).subarray(0, 20),
    ],
    problems: [
      ['length', 1],
      ['event', 3],
      ['length', 4],
      ['tail', 6],
    ],
    steps: [1, 3],
  },
};

function offsetOf(pieces: readonly Buffer[], piece: number): number {
  return pieces.slice(0, piece).reduce((sum, { length }) => sum + length, 0);
}

/** A log directory with one run for each damaged file and one sound run. */
function writeDamaged(): string {
  const logdir = createTempDir();
  const sound = { pieces: [VERSION, scalar(1)] };
  for (const [run, { pieces }] of Object.entries({ ...DAMAGED, sound })) {
    mkdirSync(join(logdir, run));
    writeFileSync(join(logdir, run, FILE), Buffer.concat(pieces));
  }
  return logdir;
}

async function check(path: string, ...args: string[]) {
  const { code, stdout } = await runCli('fsck', path, '--json', ...args);
  return { code, ...(JSON.parse(stdout) as { files: FileCheck[]; repaired: RepairedFile[] }) };
}

describe('polytrack fsck', () => {
  it('reports each problem with its offset and changes nothing', async () => {
    const logdir = writeDamaged();

    const { code, files } = await check(logdir);

    expect(code).toBe(1);
    const found = Object.fromEntries(
      files.map(({ run, problems }) => [run, problems.map(({ kind, offset }) => [kind, offset])]),
    );
    const expected = Object.entries(DAMAGED).map(([run, { pieces, problems }]) => [
      run,
      problems.map(([kind, piece]) => [kind, offsetOf(pieces, piece)]),
    ]);
    expect(found).toEqual({ ...Object.fromEntries(expected), sound: [] });
    for (const [run, { pieces }] of Object.entries(DAMAGED)) {
      expect(readFileSync(join(logdir, run, FILE))).toEqual(Buffer.concat(pieces));
      expect(readdirSync(join(logdir, run))).toEqual([FILE]);
    }
  });

  it("prints how each of TensorBoard's readers handles the problem", async () => {
    const logdir = createTempDir();
    mkdirSync(join(logdir, 'my-tfevents'));
    writeFileSync(join(logdir, 'my-tfevents', FILE), Buffer.concat([VERSION, flip(scalar(1), SIZE - 1)]));

    const { stdout, code } = await runCli('fsck', logdir);

    expect(code).toBe(1);
    expect(stdout).toMatch(/1 record, 2 problems\n {2}byte 0: the name of the directory contains "tfevents"/);
    expect(stdout).toMatch(
      /byte 40, \d+ B: the CRC of a record does not match\n {4}TensorBoard: shows the record with its changed values/,
    );
    expect(stdout).toMatch(/TensorBoard with --load_fast false: stops here/);
  });

  it('says that TensorBoard does not read a damaged file of system metrics', async () => {
    const logdir = createTempDir();
    const damaged = Buffer.concat([VERSION, flip(scalar(1), SIZE - 1)]);
    writeFileSync(join(logdir, toHiddenFileName(FILE)), damaged);

    const { stdout, code } = await runCli('fsck', logdir);

    expect(code).toBe(1);
    expect(stdout).toMatch(/the CRC of a record does not match\n {4}TensorBoard: does not read this file\n/);
  });

  it('reports no problems for sound files', async () => {
    const logdir = createTempDir();
    writeFileSync(join(logdir, FILE), Buffer.concat([VERSION, scalar(1)]));

    expect(await runCli('fsck', logdir)).toMatchObject({
      code: 0,
      stdout: `${join(logdir, FILE)}: 2 records, no problems\n`,
    });
    expect(await runCli('fsck', join(logdir, FILE))).toMatchObject({ code: 0 });
    expect(await runCli('fsck', createTempDir())).toMatchObject({ code: 2 });
  });

  it('repairs only into a new directory outside the source', async () => {
    const logdir = writeDamaged();
    const full = createTempDir();
    writeFileSync(join(full, 'mine'), '');

    const inside = await runCommand(['fsck', logdir, '--repair', join(logdir, 'repaired')]);
    const occupied = await runCommand(['fsck', logdir, '--repair', full]);

    for (const result of [inside, occupied]) {
      expect(result).toMatchObject({ code: 2, stderr: expect.stringContaining('ERR_REPAIR_TARGET') });
    }
    expect(readdirSync(full)).toEqual(['mine']);
    expect(readdirSync(logdir)).not.toContain('repaired');
  });
});

describeWithPeers(['tensorboard'], 'polytrack fsck --repair', () => {
  it("makes every damaged file readable for both of TensorBoard's readers", async () => {
    const logdir = writeDamaged();
    const target = join(createTempDir(), 'repaired');
    const { repaired } = await check(logdir, '--repair', target);
    expect(repaired).toHaveLength(Object.keys(DAMAGED).length + 1);
    expect((await check(target)).code).toBe(0);

    for (const fast of [true, false]) {
      const board = await TensorBoard.start({ logdir: target, fast });
      for (const [run, { steps }] of Object.entries(DAMAGED)) {
        const found = await board.waitFor('plugin/scalars/tags', {}, (tags) =>
          (tags as Record<string, object | undefined>)[run] === undefined ? undefined : true,
        );
        expect(found).toBe(true);
        const points = (await board.get('plugin/scalars/scalars', { run, tag: 'loss' })) as [
          number,
          number,
          number,
        ][];
        expect(points.map(([, step, value]) => [step, value])).toEqual(steps.map((step) => [step, step]));
      }
      expect(board.output()).not.toMatch(/warn|error|corrupt|traceback/i);
    }
  });
});
