/** Checks that functions of the program that uses polytrack are called by `src/base/user-callback.ts` only: see F67. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Node, parse, REPOSITORY, sources, textOf } from './sources.js';

/** The callbacks in the options of the entry points, and the file that calls each. Callbacks are called `on…`, or as in `NAMED`. */
const CALLBACKS: Readonly<Record<string, string>> = {
  'DiagnosticsOptions.onError': 'src/base/diagnostics.ts',
  'DiagnosticsOptions.onWarning': 'src/base/diagnostics.ts',
  'EventLogOptions.filter': 'src/event-log/event-queue.ts',
  'ExportMetricsOptions.onProblem': 'src/reading/table/export-metrics.ts',
  'ListOptions.onRun': 'uploader/operations/list/list-store.ts',
  'PolyaxonClientOptions.onNotice': 'uploader/polyaxon-api/api-session.ts',
  'PullOptions.onNotice': 'uploader/operations/pull/pull.ts',
  'SpanExporterOptions.onSpan': 'src/trace/otel-exporter.ts',
  'TraceStreamOptions.textOf': 'src/trace/stream-output.ts',
  'TracedOptions.onValue': 'src/trace/traced-function.ts',
  'UploaderOptions.onEvent': 'uploader/engine/context/uploader-context.ts',
  'VerifyOptions.onFile': 'uploader/operations/verify/verify.ts',
  'WatchOptions.onStatus': 'uploader/engine/status-writer.ts',
};
const NAMED = /^(?:on[A-Z]\w*|filter|textOf)$/;
/** Not options of a call, but what a store and a file watcher report to the uploader. */
const SEAMS = ['CommitRequest', 'StageRequest', 'FileWatcherListener'];
/** Exported within the options of `Run` and `SummaryWriter`, without a separate name. */
const INNER = ['EventLogOptions'];

const entryPoints = ['src/index.ts', 'src/format/index.ts', 'uploader/index.ts', 'uploader/polyaxon.ts']
  .map((file) => readFileSync(join(REPOSITORY, file), 'utf8'))
  .join('\n');

function findCallbacks(text: string): string[] {
  return [...text.matchAll(/^export (?:interface|type) (\w+)[^{;]*\{(.*?)^\}/gms)]
    .filter(
      ([, name = '']) =>
        (INNER.includes(name) || new RegExp(`[^/]\\b${name}\\b`).test(entryPoints)) && !SEAMS.includes(name),
    )
    .flatMap(([, name, body = '']) =>
      [...body.matchAll(/^ {2}readonly (\w+)\??:(.*?)(?=^ {2}(?:readonly|\/\*\*)|(?![\s\S]))/gms)]
        .filter(([, member = '', type = '']) => NAMED.test(member) && /=>|\bOn[A-Z]/.test(type))
        .map(([, member]) => `${name}.${member}`),
    );
}

/** The calls of a callback outside of `callUser`, `guard` and `guardUser`. `isGuarded`: the callback is passed to one of them, or called in one. */
function findCalls(text: string, name: string): { readonly bare: string[]; readonly isGuarded: boolean } {
  const syntax = parse(text);
  const calls = syntax.nodes.filter(([node]) => node.type === 'CallExpression');
  const guards = calls.filter(([node]) => /^(?:callUser|guard|guardUser)$/.test(nameOf(node.callee as Node)));
  const isWrapped = guards.some(
    ([node]) => nameOf(node.callee as Node) === 'guardUser' && (node.arguments as Node[])[0]?.value === name,
  );
  const own = calls.filter(([node]) => nameOf(node.callee as Node) === name);
  const isInGuard = (parents: readonly Node[]): boolean =>
    parents.some((parent) => guards.some(([guard]) => guard === parent));
  return {
    bare: isWrapped
      ? []
      : own.filter(([, parents]) => !isInGuard(parents)).map(([node]) => textOf(syntax, node)),
    isGuarded: isWrapped || own.some(([, parents]) => isInGuard(parents)),
  };
}

function nameOf(callee: Node): string {
  const name = callee.type === 'MemberExpression' ? (callee.property as Node) : callee;
  return `${name.type === 'PrivateIdentifier' ? '#' : ''}${name.name}`;
}

describe('a callback', () => {
  it('is found if it is called without a guard', () => {
    expect(findCalls('onError(error);', 'onError')).toEqual({ bare: ['onError(error)'], isGuarded: false });
    expect(findCalls('options.onError(error);', 'onError').bare).toEqual(['options.onError(error)']);
    expect(findCalls('callUser(() => onError(error), note, 1);', 'onError')).toEqual({
      bare: [],
      isGuarded: true,
    });
    expect(findCalls("const onError = guardUser('onError', options.onError);", 'onError').isGuarded).toBe(
      true,
    );
  });

  it('in the options of an entry point is listed here', () => {
    expect([...sources.values()].flatMap(findCallbacks).sort()).toEqual(Object.keys(CALLBACKS).sort());
  });

  it.each(Object.entries(CALLBACKS))('%s is called through a guard, in %s', (callback, file) => {
    const name = callback.replace(/.*\./, '');
    expect(findCalls(sources.get(file) ?? '', name)).toEqual({ bare: [], isGuarded: true });
  });
});
