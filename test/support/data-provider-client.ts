/** Calls of TensorBoard's data provider, decoded with proto/data_provider.proto. */

import { once } from 'node:events';
import { connect } from 'node:http2';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

const PROTO = fileURLToPath(new URL('../../proto/', import.meta.url));
const root = new protobuf.Root();
root.resolvePath = (_, target) => (target.startsWith('/') ? target : PROTO + target);
root.loadSync(`${PROTO}data_provider.proto`);

export interface CallResult<Response> {
  /** The number of gRPC's status. */
  readonly status: number;
  readonly detail: string;
  /** The response messages. */
  readonly messages: Response[];
}

/** One call on a new connection. 64-bit integers are strings. */
export async function call<Response = Record<string, unknown>>(
  port: number,
  method: string,
  request: object = {},
  headers: Record<string, string> = {},
): Promise<CallResult<Response>> {
  const service = root.lookupService('tensorboard.data.TensorBoardDataProvider');
  const { requestType, responseType } = service.methods[method]!;
  const [Request, Answer] = [requestType, responseType].map((name) =>
    root.lookupType(`tensorboard.data.${name}`),
  );
  const message = Request!.encode(Request!.fromObject(request)).finish();
  const frame = Buffer.concat([Buffer.alloc(5), message]);
  frame.writeUInt32BE(message.length, 1);
  const session = connect(`http://127.0.0.1:${port}`);
  try {
    const stream = session.request({
      ...headers,
      ':method': 'POST',
      ':path': `/tensorboard.data.TensorBoardDataProvider/${method}`,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const trailers = once(stream, 'trailers');
    stream.end(frame);
    const chunks: Buffer[] = [];
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
    const [{ 'grpc-status': status, 'grpc-message': detail = '' }] = (await trailers) as [
      Record<string, string>,
    ];
    const messages: Response[] = [];
    const bytes = Buffer.concat(chunks);
    for (let at = 0; at < bytes.length; ) {
      const end = at + 5 + bytes.readUInt32BE(at + 1);
      const decoded = Answer!.decode(bytes.subarray(at + 5, end));
      messages.push(Answer!.toObject(decoded, { longs: String, defaults: false }) as Response);
      at = end;
    }
    return { status: Number(status), detail: decodeURIComponent(detail), messages };
  } finally {
    session.close();
  }
}

/** The points of a scalar series as [step, value]. */
export async function readSeries(
  port: number,
  run: string,
  tag: string,
  points = 0,
): Promise<[string, number][]> {
  interface Answer {
    runs?: { tags: { data: { step: string[]; value: number[] } }[] }[];
  }
  const { messages } = await call<Answer>(port, 'ReadScalars', {
    pluginFilter: { pluginName: 'scalars' },
    runTagFilter: { runs: { names: [run] }, tags: { names: [tag] } },
    downsample: { numPoints: points },
  });
  const data = messages[0]?.runs?.[0]?.tags[0]?.data;
  return (data?.step ?? []).map((step, i) => [step, data!.value[i]!]);
}

/** The names of the runs. */
export async function listRuns(port: number): Promise<string[]> {
  const { messages } = await call<{ runs?: { name: string }[] }>(port, 'ListRuns');
  return (messages[0]?.runs ?? []).map(({ name }) => name);
}
