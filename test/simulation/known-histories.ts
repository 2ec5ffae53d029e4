/** Histories that have failed, or that random ones contain rarely. `salt` matters where it decides what a fault does. */

import type { Change, Invocation, SaltedStep, Step, Writing } from './steps.js';

const command = (
  kind: Invocation['kind'],
  machine = 0,
  incident: Invocation['incident'] = null,
): Invocation => ({
  ...{ kind, run: 0, machine, store: 0, incident },
});
const SYNC = command('sync');
const on = (
  store: number,
  kind: Invocation['kind'],
  incident: Invocation['incident'] = null,
): Invocation => ({
  ...{ kind, run: 0, machine: 0, store, incident },
});
const change = (kind: Change['kind']): Step => ({ kind, run: 0 });
const write = (kind: Writing['kind'], fsync = true): Writing => ({
  ...{ kind, run: 0, fsync, crash: null },
});
const LOSE_POWER: Step = { kind: 'lose power', machine: 0 };
const FAIL_READS: Step = { kind: 'fail reads', machine: 0 };

/** A live run on a store that cannot extend objects: a log and an artifact grow, so that their ends are in segments. */
const grow = (keepsMetadata: boolean): readonly Step[] => [
  ...[{ kind: 'use segments', store: 0, keepsMetadata } as const, write('start')],
  ...[change('append log'), change('append log'), change('append log'), change('rewrite artifact')],
  ...[SYNC, change('append line'), change('append to artifact'), command('watch')],
];

function withSalts(steps: readonly Step[], salts: readonly number[] = []): SaltedStep[] {
  return steps.map((step, index) => ({ ...step, salt: salts[index] ?? index }));
}

export const KNOWN_HISTORIES: Readonly<Record<string, readonly SaltedStep[]>> = {
  'a copy on another machine is synced after the run': withSalts([
    ...[{ kind: 'copy to machine', run: 0 } as const, change('rewrite artifact'), change('restart log')],
    ...[SYNC, command('sync', 1), change('rewrite artifact'), change('restart log')],
  ]),
  'a log is restarted twice, and the state is lost in between': withSalts([
    ...[SYNC, change('restart log'), SYNC, { kind: 'lose state', machine: 0 } as const, SYNC],
    ...[change('restart log'), SYNC],
  ]),
  'the power fails after a flush with fsync, in directories that are new': withSalts([
    ...[write('start'), write('log'), LOSE_POWER],
  ]),
  'the power fails after flushes with fsync, in the second file of a writer': withSalts([
    ...[write('start'), write('log much'), write('log much'), write('log much'), LOSE_POWER],
  ]),
  'syncs fail, and the power fails after a later flush': withSalts(
    [
      ...[write('start'), write('log'), { kind: 'fail syncs', machine: 0 } as const, write('log much')],
      ...[write('log'), { kind: 'heal disk', machine: 0 } as const, write('log'), LOSE_POWER],
    ],
    [200, 201, 202, 203, 204, 205, 206, 207],
  ),
  'the power fails after the event file of a live writer was restored': withSalts(
    [write('start'), write('log'), change('delete event file'), write('log'), LOSE_POWER],
    [300, 301, 302, 303, 304],
  ),
  'a writer is killed while it replaces its run file': withSalts(
    [write('start'), write('log'), { ...write('end'), crash: { effect: 9, death: 'kill' } }],
    [900, 901, 902],
  ),
  'another program deletes the event file of a live writer': withSalts([
    ...[write('start'), write('log'), change('delete event file'), write('log'), SYNC, write('end')],
  ]),
  'the root cannot be listed': withSalts(
    [FAIL_READS, { ...command('sync'), run: 2, store: 2 }],
    [77_585_646, 2_086_897_131],
  ),
  'the root cannot be read': withSalts([FAIL_READS, SYNC], [2_823_997_929, 1_442_214_761]),
  'the files of what was notified cannot be listed': withSalts(
    [
      ...[write('start', false), FAIL_READS],
      { ...command('watch', 0, { effect: 25, what: { ...command('watch'), run: 4 } }), run: 2 },
    ],
    [2_298_246_697, 4_218_712_139, 3_907_087_311],
  ),
  'the root cannot be read while it is explained that it has no runs': withSalts(
    [FAIL_READS, { ...command('verify'), run: 1 }, { ...command('clean all'), run: 3 }],
    [1_917_703_636, 1_595_086_797, 1_378_242_454],
  ),
  'the state directory cannot be listed': withSalts(
    [FAIL_READS, command('watch')],
    [2_734_813_967, 3_830_206_272],
  ),
  'a killed process has created directories of a store': withSalts(
    [
      on(2, 'mirror', { effect: 67, what: { kind: 'restart events', run: 4 } }),
      ...[change('rewrite artifact'), command('pull'), on(2, 'sync', { effect: 106, what: 'kill' })],
      ...[{ ...command('clean'), run: 3 }, on(2, 'mirror')],
      ...[{ ...write('start', false), run: 4 }, write('start', false)],
      { ...write('end', false), crash: { effect: 4, death: 'power' } },
    ],
    [
      ...[2_067_425_824, 3_291_661_798, 2_653_600_801, 1_993_058_781, 2_078_368_043, 3_522_280_182],
      ...[2_092_636_414, 3_297_913_405, 3_671_147_280],
    ],
  ),
  'the run file of a renamed run cannot be examined': withSalts(
    [
      { kind: 'rename', run: 0 },
      ...[FAIL_READS, { kind: 'append events', run: 0 } as const],
      command('sync', 0, { effect: 19, what: { kind: 'write status', run: 2 } }),
    ],
    [1_776_736_888, 195_967_211, 1_529_702_502, 2_518_134_877],
  ),
  'a directory of a store cannot be examined': withSalts(
    [write('start'), FAIL_READS, on(2, 'sync')],
    [569_786_287, 614_820_249, 318_780_958],
  ),
  'the power fails after the end of a run without fsync': withSalts(
    [
      ...[write('start', false), write('log', false), { kind: 'wait', seconds: 90_000 } as const],
      ...[write('end', false), { kind: 'rewrite artifact', run: 4 } as const],
      ...[{ ...write('start', false), run: 2 }, command('clean all', 1)],
      command('sync', 0, { effect: 0, what: 'power' }),
    ],
    [
      ...[1_034_329_916, 3_614_283_141, 3_016_903_121, 3_772_166_142, 2_322_449_068, 3_205_838_439],
      ...[4_167_302_210, 1_448_916_342],
    ],
  ),
  'the journal cannot be read': withSalts([FAIL_READS, command('clean all')], [2_610_115_395, 423_067_305]),
  'an older copy of the root is synced': withSalts([
    ...[{ kind: 'mount old copy', machine: 0 } as const, change('append log'), SYNC],
    ...[{ kind: 'mount old copy', machine: 0 } as const, SYNC],
  ]),
  'mirror removes the object of a deleted file': withSalts([
    ...[SYNC, change('delete artifact'), command('mirror')],
    ...[{ kind: 'wait', seconds: 90 } as const, command('mirror')],
  ]),
  'the power fails after a sync to a directory': withSalts([on(2, 'sync'), LOSE_POWER], [100, 101]),
  'the power fails after a sync that extends an object of a directory': withSalts(
    [change('grow log'), on(2, 'sync'), change('append log'), on(2, 'sync'), LOSE_POWER],
    [300, 301, 302, 303, 304],
  ),
  'the power fails during a sync, which leaves its lock and the status of an earlier sync behind': withSalts(
    [SYNC, write('start'), command('sync', 0, { effect: 54, what: 'power' })],
    [0, 1, 1],
  ),
  'the root is not mounted when its status is asked for': withSalts([
    ...[SYNC, { kind: 'unmount', machine: 0 } as const, SYNC],
  ]),
  'the power fails while a run is reported, and damages its lineage': withSalts(
    [
      ...[{ kind: 'use polyaxon' } as const, write('start', false), write('log much')],
      ...[{ ...command('pull', 0, { effect: 226, what: 'kill' }), run: 2 }],
      command('watch', 0, { effect: 106, what: 'power' }),
    ],
    [2_453_132_046, 2_039_475_081, 3_086_250_429, 1_198_316_176, 574_993_778],
  ),
  'a log grows after a killed uploader has begun to send it': withSalts([
    ...Array.from({ length: 8 }, () => change('append log')),
    ...[command('sync', 0, { effect: 100, what: 'kill' }), change('append log'), SYNC],
  ]),
  'the power fails after segments were stored, and the files get other bytes there': withSalts([
    ...[...grow(true), LOSE_POWER, SYNC, change('append log'), change('append to artifact'), SYNC],
    ...[command('pull elsewhere'), command('verify')],
  ]),
  'files with segments are restarted on a store without metadata': withSalts([
    ...[...grow(false), change('restart log'), change('rewrite artifact'), command('watch')],
    ...[command('pull elsewhere'), command('verify')],
  ]),
  'the state is lost after segments were stored, and the files are continued': withSalts([
    ...[...grow(true), { kind: 'lose state', machine: 0 } as const, change('append line')],
    ...[change('append to artifact'), command('watch'), command('pull elsewhere'), command('verify')],
  ]),
  'mirror removes files with segments, which come back': withSalts([
    ...[...grow(false), change('delete log'), change('delete artifact')],
    ...[command('mirror'), { kind: 'wait', seconds: 90 } as const, command('mirror')],
    ...[change('restart log'), change('rewrite artifact'), command('watch'), command('pull elsewhere')],
  ]),
  'the power fails after a run has begun, and another program writes its end': withSalts([
    ...[{ kind: 'use polyaxon' } as const, write('start'), { kind: 'wait', seconds: 90 } as const],
    ...[LOSE_POWER, { kind: 'kill writer', run: 0 } as const, SYNC, change('write status'), SYNC],
  ]),
};
