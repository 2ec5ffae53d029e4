import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { Run } from '../../src/index.js';
import { readValues } from '../support/read-run.js';
import { NO_CAPTURE } from '../support/start-run.js';
import { createSharedTempDir, createTempDir } from '../support/temp-dir.js';

const root = createSharedTempDir();
const UUID = '3f2a01b7c4d54e6f8a9b0c1d2e3f4a5b';
const OTHER = '3f2a01b7c4d54e6f8a9b0c1d2e3f4a5c';
const DASHED = '3f2a01b7-c4d5-4e6f-8a9b-0c1d2e3f4a5b';

async function write(options: ConstructorParameters<typeof Run>[0]): Promise<Run> {
  const run = new Run({ root, ...NO_CAPTURE, ...options });
  run.logMetric('loss', 1);
  await run.end();
  return run;
}

beforeAll(async () => {
  await write({ uuid: UUID, name: 'baseline' });
  await write({ uuid: OTHER, name: 'double' });
  await write({ uuid: 'a'.repeat(32), name: 'double' });
  // The name of a run can look like the digits of another one.
  await write({ uuid: 'b'.repeat(32), name: 'aaaaaaaa' });
});

describe('the option resume', () => {
  it.each([
    ['the name', 'baseline'],
    ['the uuid', UUID],
    ['the uuid with dashes', DASHED],
    ['the uuid in capitals', DASHED.toUpperCase()],
    ['the uuid in braces', `{${DASHED}}`],
    ['the uuid as a URN', `urn:uuid:${DASHED}`],
    ['the first digits of the uuid', UUID.slice(0, 31) + UUID.at(31)],
    ['the name in TensorBoard', 'baseline-3f2a01b7'],
  ])('accepts %s', async (_name, resume) => {
    const run = await write({ resume });

    expect(run.uuid).toBe(UUID);
    expect(run.name).toBe('baseline');
  });

  it('accepts the first eight digits, and a step', async () => {
    const place = createTempDir();
    await write({ root: place, uuid: UUID, name: 'only' });
    const run = new Run({ root: place, resume: { run: DASHED.slice(0, 13), fromStep: 0 }, ...NO_CAPTURE });
    run.logMetric('loss', 2);
    await run.end();

    expect(run.uuid).toBe(UUID);
    expect(new Set(readValues(run.paths.tensorboard).map(({ step }) => Number(step)))).toEqual(new Set([0]));
  });

  it.each([
    ['a name', 'double', /"double" means 2 runs in .*: "double" (?:a{32}|3f2a01b7\w+) of .*; "double" /],
    ['digits', '3f2a01b7', /"3f2a01b7" means 2 runs in/],
    ['digits that are also a name', 'aaaaaaaa', /"aaaaaaaa" means 2 runs in/],
  ])('rejects %s of several runs, and lists them', (_name, resume, message) => {
    expect(() => new Run({ root, resume, ...NO_CAPTURE })).toThrow(
      expect.objectContaining({ code: 'ERR_RUN_AMBIGUOUS', message: expect.stringMatching(message) }),
    );
  });

  it.each([
    ['an unknown name', 'basline'],
    ['too few digits', '3f2a01b'],
    ['unknown digits', '12345678'],
  ])('rejects %s', (_name, resume) => {
    expect(() => new Run({ root, resume, ...NO_CAPTURE })).toThrow(
      expect.objectContaining({ code: 'ERR_RUN_UNKNOWN' }),
    );
    expect(() => new Run({ root: '/nonexistent', resume, ...NO_CAPTURE })).toThrow(/has no run/);
  });

  it.each([
    ['an empty text', { resume: ' ' }],
    ['a number', { resume: 5 }],
    ['an array', { resume: ['baseline'] }],
    ['null', { resume: null }],
    ['a name besides a uuid', { resume: 'baseline', uuid: UUID }],
    ['a name besides a directory', { resume: { run: 'baseline' }, artifactsPath: '/tmp/x' }],
    ['a number as run', { resume: { run: 5 } }],
    ['an unknown option', { resume: { name: 'baseline' } }],
  ])('rejects %s', (_name, options) => {
    expect(() => new Run({ root, ...NO_CAPTURE, ...(options as object) })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION_INVALID' }),
    );
  });

  it('says that the runs cannot be read', () => {
    const broken = createTempDir();
    symlinkSync('runs', join(broken, 'runs'));

    expect(() => new Run({ root: broken, resume: 'baseline', ...NO_CAPTURE })).toThrow(
      expect.objectContaining({ code: 'ERR_RUN_UNKNOWN', message: expect.stringContaining('ELOOP') }),
    );
  });

  it('resumes the run of a worker, and does not search for a run that writes nothing', async () => {
    const worker = new Run({ root, resume: 'baseline', worker: 1, ...NO_CAPTURE });
    const none = new Run({ root: '/nonexistent', resume: 'baseline', noOp: true });

    expect(worker.uuid).toBe(UUID);
    expect(none.mode).toBe('no-op');
    await Promise.all([worker.end(), none.end()]);
  });
});
