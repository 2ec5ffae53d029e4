/**
 * Sends PutObject without the SDK's middleware, which needs more CPU time than all other work on a small file (docs/performance.md).
 *
 * The SDK sends the first request to a bucket, which shows the address and the signing method. Later requests reuse both and differ only in
 * key, body and the headers for these. The SDK also parses all error responses.
 */

import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { limitAnswer } from './limit-answers.js';
import { WRITE_HEADERS, type WriteFields } from './write-options.js';

export interface PutInput extends WriteFields {
  readonly Bucket: string;
  readonly Key: string;
  readonly Body: Buffer;
  /** Base64. */
  readonly ChecksumCRC32?: string | undefined;
  readonly Metadata: Readonly<Record<string, string>>;
  readonly IfMatch?: string | undefined;
  readonly IfNoneMatch?: string | undefined;
}

export interface PutOutput {
  readonly ETag?: string | undefined;
}

type Config = S3Client['config'];
type Signer = Awaited<ReturnType<Config['signer']>>;
type HttpRequest = Parameters<Config['requestHandler']['handle']>[0];
type HttpResponse = Awaited<ReturnType<Config['requestHandler']['handle']>>['response'];

/** The parts that all requests to a bucket share. */
interface RequestTemplate {
  readonly request: Pick<HttpRequest, 'protocol' | 'hostname' | 'port' | 'query' | 'method'>;
  readonly headers: Readonly<Record<string, string>>;
  /** The start of the path, before the key. */
  readonly pathStart: string;
  readonly signer: Signer;
  readonly signingRegion: string | undefined;
  readonly signingService: string | undefined;
}

const COMMON_HEADERS = ['host', 'content-type', 'user-agent'];

export class DirectPuts {
  readonly #sdk: typeof import('@aws-sdk/client-s3');
  readonly #client: S3Client;
  readonly #templates = new Map<string, RequestTemplate>();

  constructor(sdk: typeof import('@aws-sdk/client-s3'), client: S3Client) {
    this.#sdk = sdk;
    this.#client = client;
  }

  /** Makes one attempt. Rejects with the errors of the SDK. */
  async send(input: PutInput, abortSignal: AbortSignal): Promise<PutOutput> {
    const template = this.#templates.get(input.Bucket);
    if (template === undefined) return this.#sendByCommand(input, abortSignal);
    const { requestHandler, systemClockOffset } = this.#client.config;
    const { signer, signingRegion, signingService } = template;
    const signed = await signer.sign(toRequest(template, input), {
      signingDate: new Date(Date.now() + systemClockOffset),
      ...(signingRegion === undefined ? {} : { signingRegion }),
      ...(signingService === undefined ? {} : { signingService }),
    });
    const { response } = await requestHandler.handle(signed as HttpRequest, { abortSignal });
    limitAnswer(response);
    if (response.statusCode >= 300) return this.#readAnswer(input, response);
    await untilEnd(response.body);
    return { ETag: response.headers.etag };
  }

  #sendByCommand(input: PutInput, abortSignal: AbortSignal): Promise<PutOutput> {
    const command = this.#toCommand(input);
    command.middlewareStack.add(
      (next, context) => async (args) => {
        const { endpointV2 } = context;
        await this.#learn(input, args.request as HttpRequest, endpointV2?.properties?.authSchemes?.[0]);
        return next(args);
      },
      { step: 'build', priority: 'low', name: 'learnWay' },
    );
    return this.#client.send(command, { abortSignal });
  }

  /** Stores the template of a bucket. Buckets with other signing methods, such as sessions or several regions, always use the SDK. */
  async #learn(
    { Bucket, Key }: PutInput,
    request: HttpRequest,
    authScheme: Parameters<Config['signer']>[0],
  ): Promise<void> {
    const { protocol, hostname, port, query, method, headers } = request;
    const keyPath = toPath(Key);
    if (authScheme?.name !== 'sigv4' || !request.path.endsWith(`/${keyPath}`)) return;
    this.#templates.set(Bucket, {
      request: { protocol, hostname, port, query, method },
      headers: Object.fromEntries(COMMON_HEADERS.map((name) => [name, headers[name] ?? ''])),
      pathStart: request.path.slice(0, -keyPath.length),
      signer: await this.#client.config.signer(authScheme),
      signingRegion: authScheme.signingRegion,
      signingService: authScheme.signingName,
    });
  }

  /** Lets the SDK parse an error response: it throws its own error, and corrects its clock offset. */
  #readAnswer(input: PutInput, response: HttpResponse): Promise<PutOutput> {
    const command = this.#toCommand(input);
    command.middlewareStack.add(() => async () => ({ response, output: { $metadata: {} } }), {
      step: 'deserialize',
      priority: 'low',
      name: 'givenAnswer',
    });
    return this.#client.send(command);
  }

  #toCommand(input: PutInput) {
    return new this.#sdk.PutObjectCommand({ ...input, ContentLength: input.Body.length });
  }
}

function toRequest({ request, headers, pathStart }: RequestTemplate, input: PutInput): HttpRequest {
  const { Key, Body, ChecksumCRC32, Metadata, IfMatch, IfNoneMatch } = input;
  const own: Record<string, string> = {
    ...headers,
    'content-length': String(Body.length),
  };
  if (ChecksumCRC32 !== undefined) own['x-amz-checksum-crc32'] = ChecksumCRC32;
  for (const [field, name] of Object.entries(WRITE_HEADERS)) {
    const value = input[field as keyof WriteFields];
    if (value !== undefined) own[name] = value;
  }
  if (IfMatch !== undefined) own['if-match'] = IfMatch;
  if (IfNoneMatch !== undefined) own['if-none-match'] = IfNoneMatch;
  for (const [name, value] of Object.entries(Metadata)) own[`x-amz-meta-${name}`] = value;
  return { ...request, path: `${pathStart}${toPath(Key)}`, headers: own, body: Body } as HttpRequest;
}

/** Encodes a key as the SDK does: by RFC 3986, without encoding slashes. */
function toPath(key: string): string {
  return encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** Reads the body to its end, so that the connection can be reused. */
function untilEnd(body: unknown): Promise<void> {
  if (!(body instanceof Readable)) return Promise.resolve();
  return new Promise((resolve, reject) => {
    body.once('end', resolve);
    body.once('error', reject);
    body.once('close', () => {
      if (!body.readableEnded)
        reject(Object.assign(new Error('the response ended early'), { code: 'ECONNRESET' }));
    });
    body.resume();
  });
}
