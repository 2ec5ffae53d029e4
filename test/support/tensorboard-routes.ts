/** Every HTTP route with data that TensorBoard's plugins have for a log directory, and the answers of a server to them. */

import type { TensorBoard } from './tensorboard.js';

type Tags = Record<string, Record<string, { readonly samples?: number }>>;
type Query = Record<string, string | number>;

interface Route {
  readonly path: string;
  readonly query: Query;
  /** JSON for a POST request. */
  readonly body?: unknown;
}

const STATUSES = ['STATUS_UNKNOWN', 'STATUS_SUCCESS', 'STATUS_FAILURE', 'STATUS_RUNNING'];
const LISTS = [
  ...['runs', 'plugin/custom_scalars/layout', 'plugin/graphs/info', 'plugin/timeseries/tags'],
  ...['scalars', 'histograms', 'distributions', 'images', 'audio', 'text', 'pr_curves', 'mesh'].map(
    (plugin) => `plugin/${plugin}/tags`,
  ),
];

/** Requests every route that the lists of `board` lead to. The answers are by request; objects are in the order of their keys. */
export async function collectAnswers(board: TensorBoard): Promise<Map<string, string>> {
  const answers = new Map<string, string>();
  const ask = async (path: string, query: Query = {}, body?: unknown): Promise<string> => {
    const answer = await request(board, { path, query, body });
    answers.set(`${path}?${new URLSearchParams(query as Record<string, string>)}`, answer);
    return answer;
  };
  const list = async (path: string): Promise<never> => toJson(await ask(path)) as never;
  for (const path of LISTS) await ask(path);
  for (const plugin of ['scalars', 'histograms', 'distributions', 'pr_curves'])
    for (const [run, tags] of Object.entries((await list(`plugin/${plugin}/tags`)) as Tags))
      for (const tag of Object.keys(tags)) await ask(`plugin/${plugin}/${plugin}`, { run, tag });
  for (const [run, tags] of Object.entries((await list('plugin/text/tags')) as Record<string, string[]>))
    for (const tag of tags) await ask('plugin/text/text', { run, tag });
  for (const [plugin, blob] of [
    ['images', 'individualImage'],
    ['audio', 'individualAudio'],
  ])
    for (const [run, tags] of Object.entries((await list(`plugin/${plugin}/tags`)) as Tags))
      for (const [tag, { samples = 0 }] of Object.entries(tags))
        for (let sample = 0; sample < samples; sample++) {
          const steps = toJson(await ask(`plugin/${plugin}/${plugin}`, { run, tag, sample }));
          for (const { query } of steps as { query: string }[])
            await ask(`plugin/${plugin}/${blob}`, Object.fromEntries(new URLSearchParams(query)));
        }
  for (const [run, tags] of Object.entries((await list('plugin/mesh/tags')) as Tags))
    for (const [tag, { samples = 0 }] of Object.entries(tags))
      for (let sample = 0; sample < samples; sample++)
        for (const { step } of toJson(await ask('plugin/mesh/meshes', { run, tag, sample })) as {
          step: number;
        }[])
          for (const content_type of ['VERTEX', 'FACE', 'COLOR'])
            await ask('plugin/mesh/data', { run, tag, content_type, sample, step });
  await askGraphs((await list('plugin/graphs/info')) as never, ask);
  await ask('plugin/hparams/experiment', {}, {});
  const body = { allowedStatuses: STATUSES, colParams: [], startIndex: 0, sliceSize: 1000 };
  await ask('plugin/hparams/session_groups', {}, body);
  return answers;
}

type GraphTags = Record<string, { op_graph: boolean; conceptual_graph: boolean; profile: boolean }>;

async function askGraphs(
  runs: Record<string, { run_graph: boolean; tags: GraphTags }>,
  ask: (path: string, query: Query) => Promise<string>,
): Promise<void> {
  for (const [run, { run_graph, tags }] of Object.entries(runs)) {
    if (run_graph) await ask('plugin/graphs/graph', { run });
    for (const [tag, has] of Object.entries(tags)) {
      if (has.op_graph) await ask('plugin/graphs/graph', { run, tag });
      if (has.conceptual_graph) await ask('plugin/graphs/graph', { run, tag, conceptual: 'true' });
      if (has.profile) await ask('plugin/graphs/run_metadata', { run, tag });
    }
  }
}

/** The status and the body. */
async function request(board: TensorBoard, { path, query, body }: Route): Promise<string> {
  const url = `${board.url}/data/${path}?${new URLSearchParams(query as Record<string, string>)}`;
  const post = {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  };
  const response = await fetch(url, body === undefined ? {} : post);
  const bytes = Buffer.from(await response.arrayBuffer());
  const isJson = response.headers.get('content-type')?.includes('json') ?? false;
  return `${response.status} ${isJson ? sortKeys(bytes.toString()) : bytes.toString('base64')}`;
}

/** Integers stay exact: a step above 2^53 is compared as text. */
function sortKeys(text: string): string {
  const exact = text.replace(/(?<=[[,:\s])-?\d{16,}(?=[\],}\s])/g, '"$&"');
  return JSON.stringify(JSON.parse(exact), (_, value: unknown) =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

function toJson(answer: string): unknown {
  return JSON.parse(answer.replace(/^\d+ /, ''));
}
