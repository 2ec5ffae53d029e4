import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tableFromIPC } from 'apache-arrow';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadLibrary } from '../../../src/base/load-library.js';
import { type ExportMetricsOptions, exportMetrics, loadRuns, Run } from '../../../src/index.js';
import { describeWithPeers, peerPath } from '../../support/peers.js';
import { NO_CAPTURE } from '../../support/start-run.js';
import { createSharedTempDir, createTempDir } from '../../support/temp-dir.js';

const [FIRST, SECOND] = ['a'.repeat(32), 'b'.repeat(32)] as const;
const NAME = 'a "run", 第1次\nsecond line';
const LARGE = 2n ** 60n + 1n;
const VALUES = [0.1, -0, Number.NaN, Number.POSITIVE_INFINITY, 5e-324, Number.MAX_VALUE];

let root: string;

beforeAll(async () => {
  root = createSharedTempDir();
  const first = new Run({ root, uuid: FIRST, name: NAME, ...NO_CAPTURE });
  for (const [step, value] of VALUES.entries())
    first.logMetric('loss', value, { step, wallTime: 1.7e9 + step / 3 });
  first.logMetric('val/loss', 0.5, { step: 2, wallTime: 1.7e9 });
  first.logMetric('val/loss', 0.25, { step: LARGE, wallTime: 1.7e9 });
  await first.end();
  const second = new Run({ root, uuid: SECOND, name: 'other', ...NO_CAPTURE });
  second.logMetric('loss', 3, { step: 1, wallTime: 1.7e9 });
  await second.end();
});

/** The rows of the long table. */
const ROWS = [
  ...VALUES.map((value, step) => [FIRST, NAME, 'loss', BigInt(step), 1.7e9 + step / 3, value]),
  [FIRST, NAME, 'val/loss', 2n, 1.7e9, 0.5],
  [FIRST, NAME, 'val/loss', LARGE, 1.7e9, 0.25],
  [SECOND, 'other', 'loss', 1n, 1.7e9, 3],
] as const;
const COLUMNS = ['run', 'name', 'tag', 'step', 'wall_time', 'value'];

async function bytesOf(options: ExportMetricsOptions, from = root): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of exportMetrics(loadRuns(from), options)) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('exportMetrics', () => {
  it('writes CSV, with quotes where they are needed', async () => {
    const lines = ROWS.map(([run, , tag, step, wallTime, value]) => {
      const name = run === FIRST ? '"a ""run"", 第1次\nsecond line"' : 'other';
      return `${[run, name, tag, step, wallTime, String(value)].join(',')}\r\n`;
    });

    expect((await bytesOf({ format: 'csv' })).toString()).toBe(`${COLUMNS.join(',')}\r\n${lines.join('')}`);
  });

  it('writes an Arrow file that apache-arrow reads from the iterable', async () => {
    const table = await tableFromIPC(exportMetrics(loadRuns(root), { format: 'arrow' }));

    expect(table.schema.fields.map(({ name, type }) => `${name}: ${type}`)).toEqual([
      ...['run: Utf8', 'name: Utf8', 'tag: Utf8', 'step: Int64', 'wall_time: Float64', 'value: Float64'],
    ]);
    expect(table.toArray().map((row) => COLUMNS.map((name) => row[name]))).toEqual(ROWS);
  });

  it('writes a wide table: a row for each step, and nothing where a metric has no value', async () => {
    const wide = (await bytesOf({ format: 'csv', isWide: true, names: ['val/loss', 'loss'] })).toString();
    const rows = wide.replace('"a ""run"", 第1次\nsecond line"', 'first').trimEnd().split('\r\n');

    expect(rows[0]).toBe('run,name,step,wall_time,val/loss,loss');
    expect(wide.split('\r\n').filter((line) => line.includes(`,${LARGE},`))[0]).toContain(
      `,${LARGE},1700000000,0.25,`,
    );
    expect(rows.at(-1)).toBe(`${SECOND},other,1,1700000000,,3`);
    const all = (await bytesOf({ format: 'csv', isWide: true })).toString();
    expect(all.split('\r\n')[0]).toBe('run,name,step,wall_time,loss,val/loss');
  });

  it('writes only the named metrics, and files without rows', async () => {
    const named = await bytesOf({ format: 'csv', names: ['val/loss'] });
    const none = { names: ['absent'] };

    expect(named.toString().match(/\r\n/g)).toHaveLength(3);
    expect((await bytesOf({ format: 'csv', ...none })).toString()).toBe(`${COLUMNS.join(',')}\r\n`);
    expect(tableFromIPC(await bytesOf({ format: 'arrow', ...none })).numRows).toBe(0);
    expect((await bytesOf({ format: 'parquet', ...none })).subarray(-4).toString()).toBe('PAR1');
  });

  it('reports problems, and exports everything else', async () => {
    const directory = createTempDir();
    const run = new Run({ root: directory, uuid: FIRST, ...NO_CAPTURE });
    run.logMetric('loss', 1, { step: 0 });
    await run.end();
    writeFileSync(join(directory, 'runs', FIRST, 'run.plx.json'), '{');
    const codes: string[] = [];

    const csv = await bytesOf({ format: 'csv', onProblem: ({ code }) => codes.push(code) }, directory);

    expect(codes).toEqual(['ERR_RUN_FILE']);
    expect(csv.toString()).toContain(`${FIRST},,loss,0,`);
  });

  it('rejects wrong options at the call', () => {
    for (const options of [{ format: 'xlsx' }, {}, { format: 'csv', wide: true }])
      expect(() => exportMetrics(loadRuns(root), options as never)).toThrow(
        expect.objectContaining({ code: 'ERR_OPTION_INVALID' }),
      );
  });
});

describeWithPeers(['polyaxon'], 'pyarrow', () => {
  /** Prints the rows as JSON; floats as hexadecimal text, which keeps every bit. */
  const PROGRAM = `
import json, sys
import pyarrow.feather as feather, pyarrow.parquet as parquet
table = (parquet if sys.argv[1] == 'parquet' else feather).read_table(sys.argv[2])
text = lambda value: value.hex() if isinstance(value, float) else str(value)
print(json.dumps({'schema': [[field.name, str(field.type)] for field in table.schema],
  'rows': [[text(value) for value in row.values()] for row in table.to_pylist()]}))`;

  async function readWithPyarrow(format: 'parquet' | 'arrow', options: object = {}) {
    const path = join(createTempDir(), `metrics.${format}`);
    writeFileSync(path, await bytesOf({ format, ...options }));
    const { stdout } = await promisify(execFile)(peerPath('polyaxon'), ['-c', PROGRAM, format, path]);
    return JSON.parse(stdout) as { schema: string[][]; rows: string[][] };
  }

  it.each(['parquet', 'arrow'] as const)('reads the file in the format %s back equal', async (format) => {
    const { schema, rows } = await readWithPyarrow(format);

    expect(schema).toEqual([
      ...[
        ['run', 'string'],
        ['name', 'string'],
        ['tag', 'string'],
      ],
      ...[
        ['step', 'int64'],
        ['wall_time', 'double'],
        ['value', 'double'],
      ],
    ]);
    expect(rows).toEqual(
      ROWS.map(([run, name, tag, step, wallTime, value]) => [
        run,
        name,
        tag,
        String(step),
        toHex(Number(wallTime)),
        toHex(Number(value)),
      ]),
    );
  });

  it.each(['parquet', 'arrow'] as const)(
    'reads missing values of a wide table as null: %s',
    async (format) => {
      const { rows } = await readWithPyarrow(format, { isWide: true });

      expect(rows.map((row) => [row[2], row[5]])).toEqual([
        ...VALUES.map((_, step) => [String(step), step === 2 ? toHex(0.5) : 'None']),
        [String(LARGE), toHex(0.25)],
        ['1', 'None'],
      ]);
    },
  );
});

/** `float.hex` of Python. */
function toHex(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const bits = Buffer.alloc(8);
  bits.writeDoubleBE(value);
  const raw = bits.readBigUInt64BE();
  const sign = raw >> 63n === 1n ? '-' : '';
  const exponent = Number((raw >> 52n) & 0x7ffn);
  const fraction = raw & (2n ** 52n - 1n);
  if (exponent === 0 && fraction === 0n) return `${sign}0x0.0p+0`;
  const power = exponent === 0 ? -1022 : exponent - 1023;
  return `${sign}0x${exponent === 0 ? 0 : 1}.${fraction.toString(16).padStart(13, '0')}p${power < 0 ? '' : '+'}${power}`;
}

describe('loadLibrary', () => {
  const ABSENT: string = 'polytrack-no-such-library';

  it('names the command that installs a missing package', async () => {
    const library = { name: ABSENT, wanted: `${ABSENT}@1` };

    await expect(loadLibrary(library, () => import(ABSENT))).rejects.toMatchObject({
      code: 'ERR_LIBRARY_MISSING',
      hint: `Run npm install ${ABSENT}@1`,
    });
  });
});
