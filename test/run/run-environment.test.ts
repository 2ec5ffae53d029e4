import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidArgumentError } from '../../src/base/errors.js';
import { resolveRunEnvironment } from '../../src/run/run-environment.js';

const UUID = '0123456789abcdef0123456789abcdef';
const OTHER = 'fedcba9876543210fedcba9876543210';
const MANAGED = { POLYAXON_IS_MANAGED: 'true', POLYAXON_RUN_INSTANCE: `acme.demo.runs.${UUID}` };

describe('resolveRunEnvironment', () => {
  it('is offline without variables: a new uuid below ./plx-runs, event files only, all captures on', () => {
    const context = resolveRunEnvironment({}, {});

    expect(context).toMatchObject({
      mode: 'offline',
      writer: 'main',
      isPlatformRun: false,
      hasLink: true,
      collectsEvents: true,
      collectsResources: true,
      tracksCode: true,
      tracksEnvironment: true,
      tracksLogs: true,
      owner: undefined,
      project: undefined,
    });
    expect(context.paths.run).toBe(join(resolve('plx-runs'), 'runs', context.uuid));
    expect([...context.formats]).toEqual(['tensorboard']);
  });

  it("uses the directory, uuid and project that Polyaxon gives to a job, and also writes Polyaxon's files", () => {
    const context = resolveRunEnvironment({}, MANAGED);

    expect(context).toMatchObject({
      mode: 'managed',
      uuid: UUID,
      owner: 'acme',
      project: 'demo',
      isPlatformRun: true,
      hasLink: false,
      tracksLogs: false,
    });
    expect(context.paths.run).toBe(`/plx-context/artifacts/${UUID}`);
    expect([...context.formats]).toEqual(['tensorboard', 'polyaxon']);
  });

  it('is managed inside a cluster, below the root that Polyaxon sets', () => {
    const context = resolveRunEnvironment(
      {},
      {
        POLYAXON_K8S_IN_CLUSTER: '1',
        POLYAXON_RUN_INSTANCE: MANAGED.POLYAXON_RUN_INSTANCE,
        POLYAXON_CONTEXT_ROOT: '/ctx',
      },
    );

    expect(context.paths.run).toBe(`/ctx/artifacts/${UUID}`);
  });

  it.each([
    ['isNew', { isNew: true }],
    ['another uuid', { uuid: OTHER }],
  ])('puts a separate run with %s where Polyaxon looks for related runs', (_case, options) => {
    const context = resolveRunEnvironment(options, MANAGED);

    expect(context).toMatchObject({ mode: 'managed', isPlatformRun: false, tracksLogs: true, owner: 'acme' });
    expect(context.uuid).not.toBe(UUID);
    expect(context.paths.run).toBe(`/plx-context/artifacts/_related_runs/${context.uuid}`);
  });

  it.each([
    ['the option', { isOffline: true }, MANAGED],
    ['the variable', {}, { ...MANAGED, POLYAXON_IS_OFFLINE: 'yes' }],
    ['no run instance', {}, { POLYAXON_K8S_IN_CLUSTER: 'true' }],
  ])('is offline inside a cluster with %s', (_case, options, environment) => {
    expect(resolveRunEnvironment(options, environment).mode).toBe('offline');
  });

  it('rejects a managed job that does not name its run, because the disk of the job is not kept', () => {
    const environment = { POLYAXON_IS_MANAGED: 'true' };

    expect(() => resolveRunEnvironment({}, environment)).toThrow(
      /POLYAXON_RUN_INSTANCE does not name the run/,
    );
    expect(resolveRunEnvironment({ artifactsPath: '/kept' }, environment).mode).toBe('offline');
    expect(resolveRunEnvironment({ isOffline: true }, environment).mode).toBe('offline');
  });

  it.each([
    ['the option', { noOp: true }, {}],
    ['the variable', {}, { POLYAXON_NO_OP: '1' }],
    ['a job without an instance', {}, { POLYAXON_NO_OP: '1', POLYAXON_IS_MANAGED: 'true' }],
    ['a malformed instance', {}, { ...MANAGED, POLYAXON_NO_OP: '1', POLYAXON_RUN_INSTANCE: '{{ run }}' }],
    ['a malformed run directory', {}, { POLYAXON_NO_OP: '1', POLYTRACK_RUN_DIRECTORY: 'here' }],
  ])('turns everything off with %s', (_case, options, environment) => {
    expect(resolveRunEnvironment(options, environment)).toMatchObject({
      mode: 'no-op',
      collectsEvents: false,
      collectsResources: false,
      tracksCode: false,
      tracksEnvironment: false,
      tracksLogs: false,
      hasLink: false,
    });
  });

  it('prefers options over variables', () => {
    const environment = {
      POLYAXON_NO_OP: 'true',
      POLYAXON_COLLECT_ARTIFACTS: 'false',
      POLYAXON_COLLECT_RESOURCES: 'false',
      POLYAXON_OFFLINE_ROOT: '/elsewhere',
    };

    const context = resolveRunEnvironment(
      { noOp: false, collectArtifacts: true, collectResources: true, root: '/here', uuid: UUID },
      environment,
    );

    expect(context).toMatchObject({ mode: 'offline', collectsEvents: true, collectsResources: true });
    expect(context.paths.run).toBe(`/here/runs/${UUID}`);
  });

  it('collects no resources when events are not collected', () => {
    expect(
      resolveRunEnvironment({ collectArtifacts: false, collectResources: true }, {}).collectsResources,
    ).toBe(false);
  });

  it('accepts a custom directory', () => {
    const { paths, hasLink } = resolveRunEnvironment({ artifactsPath: '/data/run' }, {});

    expect([paths.run, paths.tensorboard, hasLink]).toEqual([
      '/data/run',
      '/data/run/outputs/tensorboard',
      false,
    ]);
  });

  it('tracks neither code, environment nor resources for a worker', () => {
    expect(resolveRunEnvironment({ worker: 3, uuid: UUID }, {})).toMatchObject({
      writer: '3',
      uuid: UUID,
      collectsEvents: true,
      collectsResources: false,
      tracksCode: false,
      tracksEnvironment: false,
      hasLink: false,
    });
  });

  it.each([
    ['acme/demo', undefined, 'acme', 'demo'],
    ['acme.demo', undefined, 'acme', 'demo'],
    ['demo', 'acme/team', 'acme', 'demo'],
    ['demo', undefined, undefined, 'demo'],
  ])('reads project %s and owner %s as %s and %s', (project, owner, expectedOwner, expectedProject) => {
    const context = resolveRunEnvironment({ project, owner }, {});

    expect([context.owner, context.project]).toEqual([expectedOwner, expectedProject]);
  });

  it.each([
    ['an invalid uuid', { uuid: 'abc' }, {}],
    ['a project with three parts', { project: 'a/b/c' }, {}],
    ['a worker named main', { worker: 'main' }, {}],
    ['a worker with a slash', { worker: 'a/b' }, {}],
    ['a worker name that TensorBoard treats as an event file', { worker: 'tfevents' }, {}],
    ['an unknown format', { formats: ['wandb' as 'polyaxon'] }, {}],
    ['an empty root', { root: '' }, {}],
    ['a variable that is neither true nor false', {}, { POLYAXON_NO_OP: 'maybe' }],
    ['a run instance with three parts', {}, { POLYAXON_IS_MANAGED: 'true', POLYAXON_RUN_INSTANCE: 'a.b.c' }],
  ])('rejects %s', (_case, options, environment) => {
    expect(() => resolveRunEnvironment(options, environment)).toThrow(InvalidArgumentError);
  });
});
