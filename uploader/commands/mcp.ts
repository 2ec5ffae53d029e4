/** `polytrack mcp`: answers queries about runs for coding assistants, by the Model Context Protocol over stdin and stdout. Read-only. */

import type { Command } from 'commander';
import { messageOf } from '../../src/base/errors.js';
import { type Library, loadLibrary } from '../../src/base/load-library.js';
import { compareRuns } from '../operations/runs/compare-runs.js';
import { collectRuns, type FoundRun, findRun } from '../operations/runs/find-run.js';
import { readRows } from '../operations/runs/read-rows.js';
import { readDetails } from '../operations/runs/run-details.js';
import { parseFilter, parseOrder, sortRows } from '../operations/runs/select-rows.js';
import type { Flags } from '../settings/table.js';
import { type CommandContext, EXIT } from './context.js';
import { openSources } from './open-sources.js';
import { openStoreRuns } from './open-store-runs.js';
import { addOptions } from './options.js';
import { reportError, toErrorText } from './print-error.js';
import { toJsonNumber, toJsonRun } from './runs.js';

const LIBRARY: Library = { name: '@modelcontextprotocol/sdk', wanted: '@modelcontextprotocol/sdk@1' };

const HELP = `
It needs the package @modelcontextprotocol/sdk: npm install @modelcontextprotocol/sdk@1.

Exit codes:
  0  the client has ended the connection
  2  wrong usage, path, setting or credentials, or the package is missing
`;

const DEFAULT_LIMIT = 50;
const DEFAULT_POINTS = 200;

export function addMcpCommand(program: Command, context: CommandContext): void {
  const command = program
    .command('mcp')
    .summary('answer queries of coding assistants about runs (MCP)')
    .description(
      'Serve the runs of a root or a store to a coding assistant, by the Model Context Protocol over stdin and stdout: list, show and compare runs, and read metrics. Changes nothing.',
    )
    .argument('[root|store]', 'a root of runs or the URL of a store; without it, the default roots');
  addOptions(command)
    .addHelpText('after', HELP)
    .action((place: string | undefined, flags: Flags) => runMcp(place, flags, context));
}

async function runMcp(place: string | undefined, flags: Flags, context: CommandContext): Promise<void> {
  try {
    const { Server } = await loadLibrary(LIBRARY, () => import('@modelcontextprotocol/sdk/server/index.js'));
    const { StdioServerTransport } = await loadLibrary(
      LIBRARY,
      () => import('@modelcontextprotocol/sdk/server/stdio.js'),
    );
    const { ListToolsRequestSchema, CallToolRequestSchema } = await loadLibrary(
      LIBRARY,
      () => import('@modelcontextprotocol/sdk/types.js'),
    );
    // A wrong place is an error of the command, not of the first query.
    for (const source of await openSources(place, flags, context)) await source.close();
    const server = new Server({ name: 'polytrack', version: '1' }, { capabilities: { tools: {} } });
    server.setRequestHandler(ListToolsRequestSchema, async () => ({
      tools: Object.entries(TOOLS).map(([name, { description, inputSchema }]) => ({
        ...{ name, description, inputSchema },
        annotations: { readOnlyHint: true },
      })),
    }));
    server.setRequestHandler(CallToolRequestSchema, async ({ params }) => {
      try {
        const tool = TOOLS[params.name];
        if (tool === undefined) throw new Error(`no tool ${params.name}`);
        const answer = await tool.call(params.arguments ?? {}, { place, flags, context });
        return { content: [{ type: 'text', text: JSON.stringify(answer) }] };
      } catch (error) {
        const text = error instanceof Error ? toErrorText(error, false) : messageOf(error);
        return { content: [{ type: 'text', text }], isError: true };
      }
    });
    const closed = new Promise<void>((resolve) => {
      server.onclose = resolve;
      process.stdin.once('end', resolve);
      context.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await server.connect(new StdioServerTransport());
    await closed;
    await server.close();
    context.setExitCode(EXIT.complete);
  } catch (error) {
    reportError(context, error, flags.verbose === true);
  }
}

type Arguments = Readonly<Record<string, unknown>>;

interface Place {
  readonly place: string | undefined;
  readonly flags: Flags;
  readonly context: CommandContext;
}

interface Tool {
  readonly description: string;
  readonly inputSchema: {
    readonly type: 'object';
    readonly properties: Record<string, object>;
    readonly required?: string[];
  };
  readonly call: (input: Arguments, place: Place) => Promise<unknown>;
}

const TEXT = { type: 'string' };
const TEXTS = { type: 'array', items: TEXT };
const RUN = { ...TEXT, description: 'name, first digits of the uuid, or latest' };

const TOOLS: Readonly<Record<string, Tool>> = {
  list_runs: {
    description: 'Lists runs with status, parameters, and last values of metrics.',
    inputSchema: {
      type: 'object',
      properties: {
        sort: { ...TEXT, description: 'a column, such as val/acc; -val/acc begins with the largest' },
        filter: { ...TEXTS, description: 'conditions, such as status=succeeded or loss<0.5' },
        columns: { ...TEXTS, description: 'only these columns, such as name, lr, val/acc' },
        limit: { type: 'integer', minimum: 1, description: `default ${DEFAULT_LIMIT}` },
      },
    },
    call: listRuns,
  },
  show_run: {
    description:
      'Shows one run: parameters, metrics with extremes, artifacts, environment, git, end of its log.',
    inputSchema: { type: 'object', properties: { run: RUN }, required: ['run'] },
    call: (input, place) =>
      useRuns([expectText(input.run, 'run')], place, async ([found]) => showRun(found!, place)),
  },
  compare_runs: {
    description: 'Compares runs: the parameters, results, environment and git in which they differ.',
    inputSchema: { type: 'object', properties: { runs: { ...TEXTS, minItems: 2 } }, required: ['runs'] },
    call: (input, place) => useRuns(expectTexts(input.runs, 'runs'), place, (found) => compare(found, place)),
  },
  read_metrics: {
    description:
      'Reads the points of metrics of a run: steps and values, at equal distances if there are many.',
    inputSchema: {
      type: 'object',
      properties: {
        run: RUN,
        names: { ...TEXTS, description: 'default: all metrics' },
        points: {
          type: 'integer',
          minimum: 2,
          description: `at most so many of each; default ${DEFAULT_POINTS}`,
        },
      },
      required: ['run'],
    },
    call: (input, place) =>
      useRuns([expectText(input.run, 'run')], place, async ([found]) => readMetrics(found!, input, place)),
  },
};

async function listRuns(input: Arguments, { place, flags, context }: Place): Promise<unknown> {
  const { io, signal } = context;
  const columns = input.columns === undefined ? undefined : expectTexts(input.columns, 'columns');
  const filters = (input.filter === undefined ? [] : expectTexts(input.filter, 'filter')).map(parseFilter);
  const order = parseOrder(input.sort === undefined ? '-created' : expectText(input.sort, 'sort'));
  const sources = await openSources(place, flags, context);
  try {
    const others = [...filters.map(({ column }) => column), order.column];
    const rows = await readRows(await collectRuns(sources, context), { io, signal, columns, others });
    const found = sortRows(
      rows.filter((row) => filters.every(({ isMatch }) => isMatch(row))),
      order,
    );
    const limit = typeof input.limit === 'number' ? input.limit : DEFAULT_LIMIT;
    return { count: found.length, runs: found.slice(0, limit).map((row) => toJsonRun(row, columns)) };
  } finally {
    for (const source of sources) await source.close();
  }
}

async function showRun(found: FoundRun, { context: { io, signal } }: Place): Promise<unknown> {
  const [row] = await readRows([found.run], { io, signal, columns: [], others: [] });
  const details = await readDetails(found, { signal, logLines: 20 });
  const metrics = details.metrics.map(({ sparkline: _line, ...each }) => ({
    ...each,
    last: toJsonNumber(each.last),
  }));
  const problems = details.problems.map(({ code, message }) => ({ code, message }));
  return { ...toJsonRun(row!), ...details, metrics, problems };
}

async function compare(found: readonly FoundRun[], { context: { io, signal } }: Place): Promise<unknown> {
  const runs = found.map(({ run }) => run);
  const rows = await readRows(runs, { io, signal, columns: [], others: [] });
  const compared = [];
  for (const [index, each] of found.entries()) {
    const details = await readDetails(each, { signal, logLines: 0 });
    const metrics = new Map(details.metrics.map(({ name, last }) => [name, last]));
    compared.push({ row: { ...rows[index]!, metrics }, details });
  }
  const differences = compareRuns(compared).map(({ section, values }) => [
    section,
    Object.fromEntries(
      values
        .filter(({ isEqual }) => !isEqual)
        .map(({ name, values: each }) => [name, each.map(toJsonNumber)]),
    ),
  ]);
  return { runs: runs.map(({ uuid, name }) => ({ uuid, name })), ...Object.fromEntries(differences) };
}

async function readMetrics(
  { run }: FoundRun,
  input: Arguments,
  { context: { signal } }: Place,
): Promise<unknown> {
  const names = input.names === undefined ? undefined : expectTexts(input.names, 'names');
  const limit = typeof input.points === 'number' ? Math.max(2, input.points) : DEFAULT_POINTS;
  const { metrics, problems } = await run.metrics({ names, signal });
  return {
    metrics: metrics.map(({ name, steps, values }) => {
      const count = Math.min(limit, values.length);
      // The first and the last point are among them.
      const rows = Array.from({ length: count }, (_, i) =>
        count < 2 ? 0 : Math.round((i * (values.length - 1)) / (count - 1)),
      );
      return {
        ...{ name, points: values.length, steps: rows.map((row) => steps[row]) },
        values: rows.map((row) => toJsonNumber(values[row])),
      };
    }),
    problems: problems.map(({ code, message }) => ({ code, message })),
  };
}

/** Finds the runs of references: in the place of the server, unless they name another one. */
async function useRuns(
  references: readonly string[],
  { place, flags, context }: Place,
  use: (found: readonly FoundRun[]) => Promise<unknown>,
): Promise<unknown> {
  const openStore = (url: string) => openStoreRuns(url, flags, context);
  const found: FoundRun[] = [];
  try {
    for (const reference of references) {
      const path = place === undefined ? reference : `${place.replace(/\/+$/, '')}/${reference}`;
      found.push(await findRun(path, { ...context, openStore }));
    }
    return await use(found);
  } finally {
    for (const { source } of found) await source.close();
  }
}

function expectText(value: unknown, name: string): string {
  return typeof value === 'string' ? value : fail(name, 'a text');
}

function expectTexts(value: unknown, name: string): readonly string[] {
  const isList = Array.isArray(value) && value.every((each) => typeof each === 'string');
  return isList ? value : fail(name, 'a list of texts');
}

function fail(name: string, expected: string): never {
  throw new TypeError(`${name}: expected ${expected}`);
}
