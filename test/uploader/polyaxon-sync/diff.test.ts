/** Tests `diff` against a model of a server that merges, rejects, loses writes and is changed by other clients. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toCleanJson, toCleanMap } from '../../../src/base/clean-json.js';
import type { V1RunArtifact, V1StatusCondition } from '../../../src/polyaxon/api-types.js';
import type { RunStatus } from '../../../src/polyaxon/statuses.js';
import { toHash } from '../../../uploader/base/canonical-json.js';
import type { PatchRunBody, PolyaxonRun } from '../../../uploader/polyaxon-api/types.js';
import type { DesiredRun } from '../../../uploader/polyaxon-sync/desired-run.js';
import {
  acknowledge,
  type Desired,
  diff,
  learnFields,
  learnLineage,
  PARTS,
  type SyncRequest,
} from '../../../uploader/polyaxon-sync/diff.js';
import {
  findOnServer,
  toBatches,
  toFieldItems,
  toLineageItems,
  toPatch,
  toRemoval,
} from '../../../uploader/polyaxon-sync/items.js';
import { createKnown, type Known } from '../../../uploader/polyaxon-sync/known.js';
import { isFinalStatus, planStatuses } from '../../../uploader/polyaxon-sync/status-machine.js';

const UUID = 'ab'.repeat(16);
type RunData = Omit<DesiredRun, 'creation'>;

const RUN: RunData = {
  ...{ name: 'mine', description: null, readme: null, conditions: [], final: null, duration: null },
  ...{ tags: ['a'], inputs: { lr: 0.1, empty: {} }, outputs: { loss: 1 }, meta_info: {}, lineage: [] },
};

function condition(type: RunStatus, second: number): V1StatusCondition {
  const time = new Date(1_700_000_000_000 + second * 1000).toISOString();
  return { type, status: true, reason: 'Polytrack', last_update_time: time, last_transition_time: time };
}

function desire(run: Partial<RunData> = {}, more: Partial<Desired> = {}): Desired {
  const whole = { ...RUN, ...run };
  const { conditions, lineage } = whole;
  const fields = toFieldItems(whole);
  return { fields, lineage: toLineageItems(lineage), conditions, end: null, due: PARTS, ...more };
}

/** A server as haupt 2.16.1 behaves: it merges maps one level deep, adds tags, and replaces artifacts of the same name. */
class Server {
  run: PolyaxonRun & { status: RunStatus } = { uuid: UUID, status: 'created' };
  lineage = new Map<string, V1RunArtifact>();
  conditions: V1StatusCondition[] = [];
  /** Bodies that change the run, to check what they name. */
  readonly patches: PatchRunBody[] = [];
  readonly kinds: string[] = [];
  /** How many of the next writes of the lineage are acknowledged and lost. */
  lostWrites = 0;

  patch(body: PatchRunBody): void {
    this.patches.push(body);
    const { merge, ...fields } = body;
    const merged = Object.entries(fields).map(([field, value]) => {
      const before = this.run[field as keyof PolyaxonRun];
      if (merge !== true || typeof value === 'string') return [field, value];
      if (Array.isArray(value)) return [field, [...new Set([...((before as string[]) ?? []), ...value])]];
      return [field, { ...(before as object), ...(value as object) }];
    });
    this.run = { ...this.run, ...Object.fromEntries(merged) };
  }

  addArtifact(artifact: V1RunArtifact): void {
    this.lineage.set(`${artifact.is_input === true} ${artifact.name}`, artifact);
  }

  post({ type, ...rest }: V1StatusCondition): void {
    this.run = { ...this.run, status: type };
    if (this.conditions.at(-1)?.type === type) this.conditions.pop();
    this.conditions.push({ type, ...rest });
  }

  /** Carries out a request, and records in `known` what the answer tells. */
  apply(request: SyncRequest, desired: Desired, known: Known): void {
    this.kinds.push(request.kind === 'read' ? `read ${request.what}` : request.kind);
    switch (request.kind) {
      case 'statuses':
      case 'end': {
        const statuses = { status: this.run.status, conditions: this.conditions };
        for (const { condition: posted, force } of planStatuses(statuses, request.conditions).posts)
          if (force || !isFinalStatus(this.run.status)) this.post(posted);
        if (request.kind === 'end') known.final = request.hash;
        else known.items.set('status', request.hash);
        return;
      }
      case 'lineage':
        if (this.lostWrites > 0) this.lostWrites -= 1;
        else for (const { artifact } of request.items) this.addArtifact(artifact);
        acknowledge(known, request.items);
        return;
      case 'fields':
        this.patch(toPatch(request.items));
        acknowledge(known, request.items);
        return;
      case 'remove': {
        const body = toRemoval(request.keys, this.run);
        if (body !== null) this.patch(body);
        for (const key of request.keys) known.items.delete(key);
        return;
      }
      case 'read':
        if (request.what === 'lineage') learnLineage(known, desired, [...this.lineage.values()]);
        else learnFields(known, desired, this.run);
    }
  }

  /** Returns what the first comparison of a process knows. */
  meet(desired: Desired): Known {
    const known = createKnown();
    for (const { key, hash } of findOnServer(desired.fields, this.run)) known.items.set(key, hash);
    return known;
  }

  sync(desired: Desired, known: Known): void {
    for (let rounds = 0; ; rounds += 1) {
      const requests = diff(desired, known);
      if (requests.length === 0) return;
      if (rounds > 12) throw new Error(`does not end: ${JSON.stringify(requests)}`);
      for (const request of requests) this.apply(request, desired, known);
    }
  }
}

const name = fc.constantFrom('lr', 'depth', 'loss', 'note', '__proto__');
const map = fc.dictionary(name, fc.oneof(fc.integer(), fc.constantFrom('x', null, true)), { maxKeys: 4 });
const tags = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'));
const artifact = fc.record({
  name,
  kind: fc.constantFrom('metric', 'file'),
  path: fc.constantFrom('outputs/a', null),
  summary: map,
  is_input: fc.boolean(),
});
const lineage = fc.uniqueArray(artifact, { selector: (each) => `${each.is_input} ${each.name}` });
const text = fc.constantFrom(null, 'text', 'other text');
const fields = { tags, inputs: map, outputs: map, meta_info: map };
const run = fc.record({
  ...{ ...fields, lineage, description: text, readme: text },
  name: fc.constantFrom(null, 'run', 'mine'),
});
const theirs = fc.record({
  ...fields,
  lineage,
  description: text,
  readme: text,
  name: fc.constantFrom('theirs', 'mine'),
});

const COUNT = fc.nat(4);
const begun = [
  condition('starting', 1),
  condition('running', 2),
  condition('warning', 3),
  condition('running', 4),
];

function toEnd(conditions: readonly V1StatusCondition[]): Pick<Desired, 'conditions' | 'end'> {
  const all = [...conditions, condition('succeeded', 9)];
  return { conditions, end: { conditions: all, duration: [], hash: toHash(all) } };
}

function serverOf(given: {
  lineage: readonly V1RunArtifact[];
  tags: string[];
  [field: string]: unknown;
}): Server {
  const server = new Server();
  const { lineage: artifacts, ...data } = given;
  server.run = { ...server.run, ...data };
  for (const each of artifacts) server.addArtifact(each);
  return server;
}

describe('diff', () => {
  it('of a server that has carried out the requests is empty, also for a process that knows nothing', () => {
    fc.assert(
      fc.property(
        run,
        theirs,
        COUNT,
        fc.boolean(),
        fc.nat(2),
        (wanted, other, count, isComplete, lostWrites) => {
          const conditions = begun.slice(0, count);
          const desired = desire(wanted, isComplete ? toEnd(conditions) : { conditions });
          const server = serverOf(other);
          if (isComplete) server.lostWrites = lostWrites;
          const known = server.meet(desired);
          server.sync(desired, known);
          expect(diff(desired, known)).toEqual([]);

          if (isComplete)
            for (const each of wanted.lineage)
              expect(server.lineage.get(`${each.is_input} ${each.name}`)).toEqual(each);

          const { run: before, conditions: posted } = structuredClone({ ...server });
          server.kinds.length = 0;
          server.sync(desired, server.meet(desired));
          expect(server.kinds).not.toContain('fields');
          expect(server.kinds).not.toContain('lineage');
          expect({ run: server.run, conditions: server.conditions }).toEqual({
            run: before,
            conditions: posted,
          });
        },
      ),
    );
  });

  it('brings everything that is wanted to the server, and changes nothing else', () => {
    fc.assert(
      fc.property(run, run, theirs, (first, second, other) => {
        const server = serverOf(other);
        const original = structuredClone(server.run);
        const known = server.meet(desire(first));
        server.sync(desire(first), known);
        server.sync(desire(second), known);

        for (const field of ['name', 'description', 'readme'] as const)
          expect(server.run[field]).toBe(second[field] ?? first[field] ?? original[field]);
        for (const field of ['inputs', 'outputs', 'meta_info'] as const) {
          const found = new Map(Object.entries(toCleanMap(server.run[field])));
          const [was, wanted] = [
            new Map(Object.entries(first[field])),
            new Map(Object.entries(second[field])),
          ];
          for (const [key, value] of wanted) expect(found.get(key)).toEqual(value);
          for (const [key, value] of Object.entries(toCleanMap(original[field])))
            if (!was.has(key) && !wanted.has(key)) expect(found.get(key)).toEqual(value);
        }
        expect(server.run.tags).toEqual(expect.arrayContaining(second.tags));
        for (const tag of other.tags) if (!first.tags.includes(tag)) expect(server.run.tags).toContain(tag);
        for (const each of second.lineage)
          expect(server.lineage.get(`${each.is_input} ${each.name}`)).toEqual(each);
        for (const each of other.lineage) {
          const isOurs = ({ name, is_input }: V1RunArtifact): boolean =>
            name === each.name && is_input === each.is_input;
          if (![...first.lineage, ...second.lineage].some(isOurs))
            expect(server.lineage.get(`${each.is_input} ${each.name}`)).toEqual(each);
        }
      }),
    );
  });

  it('never names a field that the program has not set', () => {
    const bare = { tags: [], inputs: {}, outputs: {}, meta_info: {}, description: null, readme: null };
    fc.assert(
      fc.property(run, theirs, (wanted, other) => {
        const server = serverOf(other);
        const desired = desire({ ...wanted, ...bare, name: null });
        server.sync(desired, server.meet(desired));
        expect(server.patches).toEqual([]);
      }),
    );
  });

  it('keeps the order of statuses, and sets the end status after everything else', () => {
    fc.assert(
      fc.property(run, COUNT, COUNT, (wanted, first, second) => {
        const server = new Server();
        const known = createKnown({ hasLineage: true });
        const counts = [Math.min(first, second), Math.max(first, second)];
        for (const count of counts) {
          server.sync(desire(wanted, { conditions: begun.slice(0, count) }), known);
          expect(server.conditions).toEqual(begun.slice(0, count));
        }
        const desired = desire(wanted, toEnd(begun.slice(0, counts[1])));
        let last: SyncRequest | undefined;
        for (let next = diff(desired, known); next.length > 0; next = diff(desired, known))
          for (const request of next) {
            last = request;
            server.apply(request, desired, known);
          }
        expect(last?.kind).toBe('end');
        expect(server.conditions).toEqual([...begun.slice(0, counts[1]), condition('succeeded', 9)]);
      }),
    );
  });

  it('keeps a name, a description and a tag that another client changes later', () => {
    const server = new Server();
    const desired = desire({ description: 'ours' });
    const known = server.meet(desired);
    server.sync(desired, known);
    server.patch({ name: 'renamed', description: 'theirs', tags: ['b'], merge: false });
    server.sync(desire({ description: 'ours', outputs: { loss: 0.5 } }), known);
    expect(server.run).toMatchObject({
      name: 'renamed',
      description: 'theirs',
      tags: ['b'],
      outputs: { loss: 0.5 },
    });
  });

  it('reads back what was sent before the end, and nothing twice', () => {
    const artifact = { name: 'loss', kind: 'metric', path: 'loss.plx', summary: {}, is_input: false };
    const desired = desire({ lineage: [artifact] }, toEnd(begun));
    const sent = ['statuses', 'fields', 'lineage', 'read lineage', 'read fields', 'end'];
    const created = new Server();
    created.sync(desired, createKnown({ hasLineage: true }));
    expect(created.kinds).toEqual(sent);
    const found = new Server();
    found.sync(desired, createKnown());
    expect(found.kinds).toEqual(['statuses', 'read lineage', ...sent.slice(1)]);
    found.kinds.length = 0;
    found.sync(desired, found.meet(desired));
    expect(found.kinds).toEqual(['statuses', 'read lineage', 'end']);
  });

  it('sends only items that have changed', () => {
    const server = new Server();
    const known = server.meet(desire());
    server.sync(desire(), known);
    const [request, ...others] = diff(desire({ outputs: { loss: 0.5 }, tags: ['a', 'b'] }), known);
    expect(others).toEqual([]);
    expect(request?.kind === 'fields' && toPatch(request.items)).toEqual({
      outputs: { loss: 0.5 },
      tags: ['b'],
      merge: true,
    });
  });

  it('removes items without clearing a field, and keeps values of others', () => {
    const server = new Server();
    const known = server.meet(desire());
    server.sync(desire(), known);
    const [request] = diff(desire({ inputs: { empty: {} }, outputs: {}, tags: [] }), known);
    if (request?.kind !== 'remove') return expect.unreachable();
    expect(request.keys).toEqual(['tags:a', 'inputs:lr', 'outputs:loss']);
    const run = { uuid: UUID, tags: ['a'], inputs: { lr: 0.1, theirs: 1 }, outputs: { loss: 1 } };
    expect(toRemoval(request.keys, run)).toEqual({ inputs: { theirs: 1 } });
  });

  it('postpones new values of known names, but not new names', () => {
    const metric = (name: string, last: number): V1RunArtifact => {
      return { name, kind: 'metric', path: `events/metric/${name}.plx`, summary: { last }, is_input: false };
    };
    const server = new Server();
    const known = server.meet(desire());
    server.sync(desire({ lineage: [metric('loss', 1)] }), known);
    const next = desire(
      { outputs: { loss: 2, accuracy: 1 }, lineage: [metric('loss', 2), metric('accuracy', 1)] },
      { due: [] },
    );
    const keys = diff(next, known).flatMap((request) =>
      'items' in request ? request.items.map(({ key }) => key) : [],
    );
    expect(keys).toEqual(['outputs:accuracy', 'lineage:output:accuracy']);
    expect(diff({ ...next, due: PARTS }, known)).not.toEqual([]);
  });

  it('leaves out items that the server rejects or fails to process, until they change', () => {
    const known = createKnown({ hasLineage: true });
    const [item] = desire({ tags: ['a'], inputs: {}, outputs: {}, name: null }).fields;
    if (item === undefined) return expect.unreachable();
    const desired = desire({ inputs: {}, outputs: {}, name: null });
    expect(diff(desired, known)).toHaveLength(1);
    known.deferred.set(item.key, { hash: item.hash, code: 'ERR_API_INVALID', message: 'no' });
    expect(diff(desired, known)).toEqual([]);
    known.deferred.clear();
    known.quarantine.set(item.key, { hash: item.hash, message: 'no', untilMs: 1 });
    expect(diff(desired, known)).toEqual([]);
    known.quarantine.set(item.key, { hash: 'of another value', message: 'no', untilMs: 1 });
    expect(diff(desired, known)).toHaveLength(1);
  });

  it('sends no statuses of a run that Polyaxon manages', () => {
    const known: Known = { ...createKnown({ hasLineage: true }), isManaged: true };
    const server = new Server();
    server.sync(desire({}, toEnd(begun)), known);
    expect(server.conditions).toEqual([]);
  });
});

describe('findOnServer', () => {
  it('finds items with equal values', () => {
    const server = { uuid: UUID, name: 'mine', tags: ['x', 'a'], inputs: { lr: 0.1 }, outputs: null };
    const found = findOnServer(desire().fields, server).map(({ key }) => key);
    expect(found).toEqual(['name', 'tags:a', 'inputs:lr']);
  });

  it('compares values without a JSON form as null', () => {
    expect(toCleanJson({ a: [Number.NaN, -0], b: Number.POSITIVE_INFINITY, c: undefined })).toEqual({
      a: [null, 0],
      b: null,
    });
    expect(toHash({ a: 1, b: [2] })).toBe(toHash({ b: [2], a: 1 }));
  });
});

describe('toBatches', () => {
  it('limits bytes and items of a request, and keeps the order', () => {
    const sized = fc.integer({ min: 1, max: 150 }).map((sizeBytes) => ({ sizeBytes }));
    fc.assert(
      fc.property(fc.array(sized), (items) => {
        const batches = toBatches(items, 5, 100);
        expect(batches.flat()).toEqual(items);
        for (const batch of batches) {
          const bytes = batch.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
          expect(batch.length === 1 || (batch.length <= 5 && bytes <= 100)).toBe(true);
        }
      }),
    );
  });
});
