// Calls TensorBoard's data provider over one connection (gRPC without TLS), as TensorBoard does.

import { once } from 'node:events';
import { connect } from 'node:http2';
import { loadMessageType } from './proto.mjs';

const PREFIX_BYTES = 5;
const SERVICE = '/tensorboard.data.TensorBoardDataProvider/';

const toType = (name) => loadMessageType('data_provider', `tensorboard.data.${name}`);

/** Encodes a request for series, with the prefix of gRPC. */
export function encodeRequest(request) {
  const message = toType('SeriesRequest').encode(request).finish();
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

export class DataProviderClient {
  #session;

  /** Rejects when nothing listens there. */
  static async open(port) {
    const client = new DataProviderClient();
    client.#session = connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 2 ** 24 } });
    await once(client.#session, 'connect');
    client.#session.on('error', () => {});
    return client;
  }

  /** Returns the message without the prefix. */
  async call(method, request) {
    const stream = this.#session.request({
      ...{ ':method': 'POST', ':path': SERVICE + method, te: 'trailers' },
      'content-type': 'application/grpc',
    });
    stream.end(request);
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    return Buffer.concat(chunks).subarray(PREFIX_BYTES);
  }

  close() {
    this.#session.destroy();
  }
}

/** Returns the number of runs, and the largest step of each scalar series. */
export function decodeSteps(message) {
  const { runs } = decoders.ListScalarsResponse.decode(message);
  return {
    runs: runs.length,
    steps: runs.flatMap(({ tags }) => tags.map(({ metadata }) => Number(metadata.maxStep))),
  };
}

/** Returns the number of points. */
export function countPoints(message) {
  const { runs } = decoders.ReadScalarsResponse.decode(message);
  return runs.flatMap(({ tags }) => tags).reduce((sum, { data }) => sum + data.step.length, 0);
}

const decoders = Object.fromEntries(
  ['ListScalarsResponse', 'ReadScalarsResponse'].map((name) => [name, toType(name)]),
);
