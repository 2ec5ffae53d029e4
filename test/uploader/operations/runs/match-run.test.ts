import { describe, expect, it } from 'vitest';
import { createShortener, matchRun, type NamedRun } from '../../../../uploader/operations/runs/match-run.js';

const NOW_MS = Date.parse('2026-01-10T00:00:00Z');
const options = { place: 'plx-runs', nowMs: NOW_MS };

function runOf(uuid: string, name: string | null, hoursAgo: number): NamedRun {
  const createdAt = new Date(NOW_MS - hoursAgo * 3_600_000);
  return { uuid: uuid.padEnd(32, '0'), name, createdAt, location: `plx-runs/runs/${uuid}` };
}

const first = runOf('3f2a01', 'baseline', 72);
const second = runOf('3f2a02', 'wide net', 2);
const third = runOf('c0de', 'baseline', 5);
const runs = [first, second, third];

describe('matchRun', () => {
  it.each([
    ['a name', 'wide net', second],
    ['first digits of a uuid', '3f2a02', second],
    ['one digit', 'c', third],
    ['a whole uuid', '3f2a01'.padEnd(32, '0'), first],
    ['a uuid with dashes and capitals', '3F2A0100-0000-0000-0000-000000000000', first],
    ['the name in TensorBoard', 'baseline-3f2a0100', first],
    ['latest', 'latest', second],
  ])('finds a run by %s', (_, reference, run) => {
    expect(matchRun(reference, runs, options)).toBe(run);
  });

  it('lists the runs that a name or prefix may mean, the youngest first', () => {
    expect(() => matchRun('baseline', runs, options)).toThrow(
      expect.objectContaining({
        code: 'ERR_RUN_AMBIGUOUS',
        message:
          '"baseline" means 2 runs in plx-runs: "baseline" c0de0000, 5 h old; "baseline" 3f2a0100, 3 d old',
        hint: expect.stringContaining('uuid'),
      }),
    );
    expect(() => matchRun('3f2a', runs, options)).toThrow(
      expect.objectContaining({ code: 'ERR_RUN_AMBIGUOUS' }),
    );
  });

  it('counts a run once whose name is a prefix of its uuid', () => {
    const run = runOf('cafe', 'cafe', 1);

    expect(matchRun('cafe', [...runs, run], options)).toBe(run);
  });

  it('never chooses between the name of one run and the uuid of another', () => {
    const run = runOf('beef', '3f2a01', 1);

    expect(() => matchRun('3f2a01', [...runs, run], options)).toThrow(
      expect.objectContaining({ code: 'ERR_RUN_AMBIGUOUS' }),
    );
  });

  it('takes fewer than four digits for the name of a run, if one has it', () => {
    const run = runOf('beef', '3f2', 1);

    expect(matchRun('3f2', [...runs, run], options)).toBe(run);
    expect(() => matchRun('3f2', runs, options)).toThrow(
      expect.objectContaining({ code: 'ERR_RUN_AMBIGUOUS' }),
    );
  });

  it('suggests names that are similar, or contain what was given', () => {
    expect(() => matchRun('basline', runs, options)).toThrow(
      expect.objectContaining({
        code: 'ERR_RUN_UNKNOWN',
        hint: 'Did you mean "baseline"? Run `polytrack runs` to list the runs.',
      }),
    );
    expect(() => matchRun('net', runs, options)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('"wide net"') }),
    );
  });

  it('finds no run among none', () => {
    expect(() => matchRun('latest', [], options)).toThrow(
      expect.objectContaining({ code: 'ERR_RUN_UNKNOWN' }),
    );
  });
});

describe('createShortener', () => {
  it('returns 8 digits, or as many as no other uuid begins with', () => {
    const uuids = ['3f2a0100aa', '3f2a0100ab', 'c0de000000'].map((uuid) => uuid.padEnd(32, '0'));

    expect(uuids.map(createShortener(uuids))).toEqual(['3f2a0100aa', '3f2a0100ab', 'c0de0000']);
  });
});
