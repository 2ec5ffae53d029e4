export class CountingProxy {
  static start(targetPort: number): Promise<CountingProxy>;
  readonly endpoint: string;
  /** From the client, including request heads. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Number of all requests, including failed connections. */
  readonly requests: number;
  /** Number of requests of each operation. */
  readonly operations: ReadonlyMap<string, number>;
  stop(): void;
}
