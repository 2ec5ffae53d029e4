/** Every call that a commit makes to the store fails in turn: once, without its response, for good, and because the store rejects it. */

import { appendFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { SendOutcome } from '../../../../uploader/pipeline/commit/commit-context.js';
import { MIN_APPEND_BYTES } from '../../../../uploader/pipeline/plan/upload-strategy.js';
import { Uploader } from '../../support/file-uploader.js';
import type { Fault } from '../../support/memory-store.js';
import { RUN } from '../../support/run-tree.js';

const MIB = 1024 * 1024;
const LOG = 'plxlogs/main.log';
const MODEL = 'outputs/model.bin';
const LARGE = Buffer.alloc(MIN_APPEND_BYTES + MIB, 'a line of a large log\n');

interface Scenario {
  readonly path: string;
  readonly appends?: boolean;
  readonly hidesChecksums?: boolean;
  /** Brings the store and the file to where the commit begins. */
  readonly prepare: (uploader: Uploader) => Promise<void>;
}

/** The store has a large log and two segments that continue it. */
async function storeSegments(uploader: Uploader): Promise<void> {
  writeFileSync(uploader.path, LARGE);
  await uploader.start();
  for (const text of ['', 'first', 'second']) {
    appendFileSync(uploader.path, text);
    await uploader.send();
    uploader.aheadMs += 5_000;
  }
}

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'a new file': {
    path: LOG,
    prepare: async (uploader) => {
      writeFileSync(uploader.path, 'content');
      await uploader.start();
    },
  },
  'a log instead of the content of another writer': {
    path: LOG,
    hidesChecksums: true,
    prepare: async (uploader) => {
      writeFileSync(uploader.path, 'ours');
      uploader.store.overwrite(uploader.key, Buffer.from('the content of another'));
      await uploader.start();
    },
  },
  'a file that another writer stores at the same time': {
    path: LOG,
    prepare: async (uploader) => {
      writeFileSync(uploader.path, 'ours');
      await uploader.start();
      uploader.store.overwrite(uploader.key, Buffer.from('the content of another'));
    },
  },
  'a longer log whose object another writer replaces after it was listed': {
    path: LOG,
    prepare: async (uploader) => {
      writeFileSync(uploader.path, 'ours, which is longer');
      uploader.store.overwrite(uploader.key, Buffer.from('theirs'));
      await uploader.start();
      uploader.store.overwrite(uploader.key, Buffer.from('replaced'));
    },
  },
  'an artifact whose object another writer replaces after it was listed': {
    path: MODEL,
    prepare: async (uploader) => {
      writeFileSync(uploader.path, 'ours');
      uploader.store.overwrite(uploader.key, Buffer.from('ours'));
      await uploader.start();
      uploader.store.overwrite(uploader.key, Buffer.from('them'));
    },
  },
  'a log instead of content of which a version is kept': {
    path: LOG,
    hidesChecksums: true,
    prepare: async (uploader) => {
      writeFileSync(uploader.path, 'ours');
      const theirs = Buffer.from('the content of another');
      uploader.store.overwrite(uploader.key, theirs);
      uploader.store.overwrite(`${RUN}/.plx/gen/${LOG}/0`, Buffer.from('of the same number'));
      uploader.store.overwrite(`${RUN}/.plx/gen/${LOG}/1`, theirs);
      await uploader.start();
    },
  },
  'a log that has only the beginning of the object, after which it was rewritten': {
    path: LOG,
    prepare: async (uploader) => {
      writeFileSync(uploader.path, 'the first X');
      uploader.store.overwrite(uploader.key, Buffer.from('the first content'));
      await uploader.start();
    },
  },
  'a restarted log that has segments': {
    path: LOG,
    appends: false,
    prepare: async (uploader) => {
      await storeSegments(uploader);
      writeFileSync(uploader.path, 'a new beginning');
    },
  },
  'a restarted log that has segments, without state': {
    path: LOG,
    appends: false,
    hidesChecksums: true,
    prepare: async (uploader) => {
      await storeSegments(uploader);
      writeFileSync(uploader.path, 'a new beginning');
      await uploader.start({ losesState: true });
    },
  },
  'a log that grows in segments, without state': {
    path: LOG,
    appends: false,
    prepare: async (uploader) => {
      await storeSegments(uploader);
      appendFileSync(uploader.path, 'third');
      await uploader.start({ losesState: true });
    },
  },
  'an unchanged file, without state': {
    path: MODEL,
    hidesChecksums: true,
    prepare: async (uploader) => {
      writeFileSync(uploader.path, 'content');
      await uploader.start();
      await uploader.send();
      await uploader.start({ losesState: true });
    },
  },
  'a log that is appended to': {
    path: LOG,
    prepare: async (uploader) => {
      writeFileSync(uploader.path, LARGE);
      await uploader.start();
      await uploader.send();
      appendFileSync(uploader.path, LARGE.subarray(0, 2 * MIB));
    },
  },
  'an upload that a killed process had begun': {
    path: LOG,
    prepare: async (uploader) => {
      writeFileSync(uploader.path, LARGE);
      await uploader.start();
      await uploader.send();
      appendFileSync(uploader.path, LARGE.subarray(0, 2 * MIB));
      const abort = new AbortController();
      uploader.signal = abort.signal;
      uploader.store.fault = (operation) => {
        if (operation !== 'append') return 'pass';
        abort.abort();
        return 'lost';
      };
      await uploader.send().catch(() => undefined);
      uploader.signal = undefined;
      uploader.store.fault = () => 'pass';
      await uploader.start();
    },
  },
};

interface End {
  readonly outcome: SendOutcome;
  readonly calls: readonly string[];
  /** The texts of all objects, by key. */
  readonly objects: readonly (readonly [string, string])[];
  readonly notices: readonly string[];
}

/** Plays a scenario; `fault` decides the fate of the n-th call of the commit. */
async function playScenario(
  { path, appends = true, hidesChecksums = false, prepare }: Scenario,
  fault: (call: number) => Fault,
): Promise<{ end: End; uploader: Uploader }> {
  const uploader = new Uploader(path);
  const { store } = uploader;
  if (!appends) store.capabilities = { ...store.capabilities, append: null };
  await prepare(uploader);
  store.hidesChecksums = hidesChecksums;
  const begin = store.calls.length;
  store.fault = () => fault(store.calls.length - begin - 1);
  uploader.events.length = 0;
  const outcome = await uploader.send();
  const end = toEnd(uploader, outcome, begin);
  store.fault = () => 'pass';
  return { end, uploader };
}

function toEnd({ store, events }: Uploader, outcome: SendOutcome, begin = 0): End {
  const objects = [...store.objects].map(([key, { bytes }]) => [key, bytes.toString('latin1')] as const);
  return {
    outcome,
    calls: store.calls.slice(begin),
    objects: objects.sort(([a], [b]) => (a < b ? -1 : 1)),
    notices: events.flatMap((event) => (event.kind === 'notice' ? [event.code] : [])),
  };
}

describe.each(Object.entries(SCENARIOS))('%s', (_, scenario) => {
  it.each(['fail', 'lost'] as const)(
    'is stored as without a fault when any call fails once: %s',
    async (kind) => {
      const { end: clean, uploader: first } = await playScenario(scenario, () => 'pass');
      await first.end();
      expect(clean.calls.length).toBeGreaterThan(0);

      for (const [at, call] of clean.calls.entries()) {
        const { end, uploader } = await playScenario(scenario, (each) => (each === at ? kind : 'pass'));
        const trace = `call ${at}, ${call}`;
        expect(end.outcome, trace).toEqual(clean.outcome);
        expect(end.objects, trace).toEqual(clean.objects);
        expect(end.notices, trace).toEqual(clean.notices);
        // Only the call itself is repeated, with what it reads.
        expect(end.calls.length, trace).toBeLessThanOrEqual(clean.calls.length + 4);
        expect(uploader.inventory.intents.size, trace).toBe(0);
        await uploader.end();
      }
    },
  );

  it.each([
    ['fail', 'ERR_STORE_UNAVAILABLE'],
    ['refuse', 'ERR_STORE_ACCESS'],
  ] as const)('fails with a code when a call fails for good, and is stored later: %s', async (kind, code) => {
    const { end: clean, uploader: first } = await playScenario(scenario, () => 'pass');
    await first.end();

    for (const [at, call] of clean.calls.entries()) {
      // A refusal is final, also when the store would accept the next call.
      const fails = (each: number): boolean => each === at || (each > at && kind === 'fail');
      const { end, uploader } = await playScenario(scenario, (each) => (fails(each) ? kind : 'pass'));
      const trace = `call ${at}, ${call}`;
      // An object that cannot be read may have been replaced, so that the commit is planned again.
      if (kind === 'refuse' && call.startsWith('read ') && end.outcome.status === 'stored') {
        expect(end.objects, trace).toEqual(clean.objects);
        await uploader.end();
        continue;
      }
      expect(end.outcome, trace).toMatchObject({ status: 'failed', error: { code } });
      expect(uploader.inventory.intents.size, trace).toBe(0);
      // Beyond the time in which a file counts as just written.
      uploader.aheadMs += 10_000;
      const outcome = await uploader.send();
      expect(outcome.status, trace).toBe(clean.outcome.status);
      expect(toEnd(uploader, outcome).objects, trace).toEqual(clean.objects);
      const sentBytes = uploader.store.sentBytes;
      expect(['unchanged', 'verified', 'waiting'], trace).toContain((await uploader.send()).status);
      expect(uploader.store.sentBytes, trace).toBe(sentBytes);
      await uploader.end();
    }
  });
});
