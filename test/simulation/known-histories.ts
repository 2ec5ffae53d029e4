/** Histories that have failed, or that random ones contain rarely. `salt` matters where it decides what a fault does. */

import type { Invocation, SaltedStep, Step } from './steps.js';

const command = (kind: Invocation['kind'], machine = 0, incident: Invocation['incident'] = null): Step => ({
  ...{ kind, run: 0, machine, store: 0, incident },
});
const SYNC = command('sync');
const on = (kind: 'rewrite artifact' | 'restart log' | 'delete event file'): Step => ({ kind, run: 0 });
const write = (kind: 'start' | 'log' | 'log much' | 'end', fsync = true): Step => ({
  ...{ kind, run: 0, fsync, crash: null },
});
const LOSE_POWER: Step = { kind: 'lose power', machine: 0 };

function withSalts(steps: readonly Step[], salts: readonly number[] = []): SaltedStep[] {
  return steps.map((step, index) => ({ ...step, salt: salts[index] ?? index }));
}

export const KNOWN_HISTORIES: Readonly<Record<string, readonly SaltedStep[]>> = {
  'a copy on another machine is synced after the run': withSalts([
    ...[{ kind: 'copy to machine', run: 0 } as const, on('rewrite artifact'), on('restart log')],
    ...[SYNC, command('sync', 1), on('rewrite artifact'), on('restart log')],
  ]),
  'a log is restarted twice, and the state is lost in between': withSalts([
    ...[SYNC, on('restart log'), SYNC, { kind: 'lose state', machine: 0 } as const, SYNC],
    ...[on('restart log'), SYNC],
  ]),
  'the power fails after a flush with fsync, in directories that are new': withSalts([
    ...[write('start'), write('log'), LOSE_POWER],
  ]),
  'the power fails after flushes with fsync, in the second file of a writer': withSalts([
    ...[write('start'), write('log much'), write('log much'), write('log much'), LOSE_POWER],
  ]),
  'another program deletes the event file of a live writer': withSalts([
    ...[write('start'), write('log'), on('delete event file'), write('log'), SYNC, write('end')],
  ]),
  'the root cannot be listed': withSalts(
    [{ kind: 'fail reads', machine: 0 }, { ...command('sync'), run: 2, store: 2 } as Invocation],
    [77_585_646, 2_086_897_131],
  ),
  'the root cannot be read': withSalts(
    [{ kind: 'fail reads', machine: 0 }, SYNC],
    [2_823_997_929, 1_442_214_761],
  ),
};
