/** Writes an embedding next to the event file, and records it in the lineage. */

import type { EmbeddingInput } from '../embedding/projector-files.js';
import type { WrittenEmbedding } from '../embedding/write-embedding.js';
import { type Dashboards, EMBEDDING_OPTIONS, type EmbeddingOptions } from '../event-log/dashboards.js';
import { parseEventOptions, type StepOr } from '../summary/arguments.js';
import { hashArtifact, inspectArtifact } from './artifact-files.js';
import type { RunContext } from './run-context.js';

export function logEmbedding(
  context: RunContext,
  dashboards: Dashboards,
  name: string,
  embedding: EmbeddingInput,
  given: StepOr<EmbeddingOptions>,
): Promise<void> {
  context.checkOpen();
  const options = parseEventOptions('logEmbedding', given, EMBEDDING_OPTIONS);
  const shown = context.maskText('name', name);
  const written = dashboards.embedding(shown, embedding, options);
  context.noteEvents();
  if (!context.environment.collectsEvents) return Promise.resolve();
  return context.track(recordEmbedding(context, shown, options.step ?? 0, written));
}

async function recordEmbedding(
  context: RunContext,
  name: string,
  step: number | bigint,
  { directory, sizeBytes }: WrittenEmbedding,
): Promise<void> {
  const path = context.toLineagePath(directory);
  const hash = await hashArtifact(await inspectArtifact(directory, context.environment.paths.run));
  context.directory.addArtifacts([
    {
      name: `${context.parseLineageName(name)}_${step}`,
      kind: 'dir',
      path,
      summary: { path, hash, size_bytes: sizeBytes },
      is_input: false,
    },
  ]);
}
