export function modelLeases(cluster: { readonly uploaders: number; readonly shards: number }): {
  readonly lists: number;
  readonly writes: number;
  readonly requestsPerSecond: number;
  readonly rememberedLeases: number;
};
