/**
 * Encodes the files that TensorBoard's projector reads: vectors, metadata and configuration. No I/O.
 *
 * The projector does not use events. It reads `projector_config.pbtxt` in a run's directory, and the files listed there.
 * Source: tensorboard/plugins/projector/{projector_plugin.py,projector_config.proto}.
 */

import { describe } from '../base/describe.js';
import { invalidArgument } from '../base/errors.js';
import { encodeUtf8 } from '../format/wire/proto-bytes.js';
import { isArrayLike } from '../summary/arguments.js';
import { type ImageBatch, type ImageInput, parseRawImage, splitBatch } from '../summary/image.js';
import { tileImages } from '../summary/image-grid.js';
import { encodePng } from '../summary/png.js';

/** Rows of numbers: nested arrays of shape [N, D], or a flat row-major array of shape N×D with `dimensions` = D. */
export type EmbeddingVectors =
  | readonly ArrayLike<number>[]
  | { readonly values: ArrayLike<number>; readonly dimensions: number };

export interface EmbeddingInput {
  readonly vectors: EmbeddingVectors;
  /** A label for each row, or a row of cells for `metadataHeader`. Tabs and line breaks become spaces. */
  readonly metadata?: readonly string[] | readonly (readonly string[])[] | undefined;
  /** The names of the metadata columns; two or more. */
  readonly metadataHeader?: readonly string[] | undefined;
  /** A small image for each row, all of one size. The sheet with all images must fit into 8192 × 8192 pixels. */
  readonly images?: ImageBatch | readonly ImageInput[] | undefined;
}

/** The names and contents of an embedding's files. */
export interface EmbeddingFiles {
  readonly tensors: string;
  readonly metadata: string | undefined;
  readonly sprite:
    | { readonly bytes: Uint8Array; readonly height: number; readonly width: number }
    | undefined;
}

/** The longest side of a sprite sheet, limited by the textures of browsers. */
const MAX_SPRITE_PIXELS = 8192;

/** Encodes an embedding. Throws `ERR_EMBEDDING_INVALID`, and `ERR_IMAGE_INVALID` for its images. */
export function encodeEmbedding(input: EmbeddingInput): EmbeddingFiles {
  const rows = parseRows(input?.vectors);
  return {
    tensors: rows.map((row) => `${row.join('\t')}\n`).join(''),
    metadata: input.metadata === undefined ? undefined : encodeMetadata(input, rows.length),
    sprite: input.images === undefined ? undefined : encodeSprite(input.images, rows.length),
  };
}

function parseRows(vectors: EmbeddingVectors): number[][] {
  const isFlat = typeof vectors === 'object' && vectors !== null && 'dimensions' in vectors;
  if (!isFlat && !isArrayLike(vectors)) {
    throw invalid(`vectors is ${describe(vectors)}, expected rows of numbers`);
  }
  const rows = isFlat
    ? splitRows(vectors)
    : Array.from(vectors, (row, i) => {
        if (isArrayLike(row)) return Array.from(row);
        throw invalid(`vectors: row ${i} is ${describe(row)}, expected numbers`);
      });
  const dimensions = rows[0]?.length ?? 0;
  if (dimensions === 0) throw invalid('vectors has no numbers');
  for (const [i, row] of rows.entries()) {
    if (row.length !== dimensions) {
      throw invalid(`vectors: row ${i} has ${row.length} numbers, expected ${dimensions} as in the first`);
    }
    const bad = row.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw invalid(`vectors: row ${i} has ${describe(row[bad])}, expected finite numbers`);
  }
  return rows;
}

function splitRows({ values, dimensions }: { values: ArrayLike<number>; dimensions: number }): number[][] {
  if (!isArrayLike(values)) throw invalid(`values is ${describe(values)}, expected numbers`);
  if (!Number.isInteger(dimensions) || dimensions < 1 || values.length % dimensions !== 0) {
    throw invalid(`vectors has ${values.length} numbers, expected rows of ${describe(dimensions)}`);
  }
  const count = values.length / dimensions;
  return Array.from({ length: count }, (_, i) =>
    Array.from({ length: dimensions }, (_, j) => values[i * dimensions + j]!),
  );
}

/** One line for each row. A header only for several columns, as the projector expects. */
function encodeMetadata({ metadata = [], metadataHeader }: EmbeddingInput, count: number): string {
  if (!Array.isArray(metadata)) throw invalid(`metadata is ${describe(metadata)}, expected a list`);
  const isHeader =
    Array.isArray(metadataHeader) &&
    Array.from(metadataHeader, (name: unknown) => typeof name === 'string').every(Boolean);
  if (metadataHeader !== undefined && !isHeader) {
    throw invalid(`metadataHeader is ${describe(metadataHeader)}, expected a list of names`);
  }
  if (metadata.length !== count) {
    throw invalid(`metadata has ${metadata.length} rows, expected ${count}, one for each vector`);
  }
  const columns = metadataHeader?.length ?? 1;
  if (metadataHeader !== undefined && columns < 2) {
    throw invalid(
      'metadataHeader has one column, expected two or more because a single column has no header',
    );
  }
  const rows = Array.from(metadata, (row, i) => {
    const cells: readonly unknown[] = Array.isArray(row) ? row : [row];
    if (cells.length !== columns || cells.some((cell) => typeof cell !== 'string')) {
      throw invalid(`metadata: row ${i} is ${describe(row)}, expected ${columns} strings`);
    }
    return cells as string[];
  });
  const lines = metadataHeader === undefined ? rows : [metadataHeader, ...rows];
  return lines.map((cells) => `${cells.map(toCell).join('\t')}\n`).join('');
}

function toCell(text: string): string {
  return text.toWellFormed().replace(/[\t\r\n\u2028\u2029]+/g, ' ');
}

/** Arranges all images in a square sheet, row by row. */
function encodeSprite(images: ImageBatch | readonly ImageInput[], count: number) {
  const cells = splitBatch(images).map((image) => {
    if (!(image instanceof Uint8Array)) return parseRawImage(image);
    throw invalid('images has encoded bytes, expected pixels');
  });
  const [first] = cells;
  if (first === undefined || cells.length !== count) {
    throw invalid(`images has ${cells.length} images, expected ${count}, one for each vector`);
  }
  const { height, width, channels } = first;
  const side = Math.ceil(Math.sqrt(count));
  if (side * Math.max(height, width) > MAX_SPRITE_PIXELS) {
    throw invalid(
      `images has ${count} images of ${height}×${width}, whose sheet exceeds ${MAX_SPRITE_PIXELS} pixels per side`,
    );
  }
  for (const [i, cell] of cells.entries()) {
    if (cell.height !== height || cell.width !== width || cell.channels !== channels) {
      throw invalid(`images[${i}] has another size than the first, ${height}×${width}×${channels}`);
    }
  }
  return { bytes: encodePng(tileImages(cells, side, side)), height, width };
}

/** The configuration of one embedding. Paths are relative to the configuration's directory. */
interface EmbeddingEntry {
  readonly name: string;
  readonly tensorsPath: string;
  readonly metadataPath: string | undefined;
  readonly sprite: { readonly path: string; readonly height: number; readonly width: number } | undefined;
}

/** The `embeddings` block for `projector_config.pbtxt`, in protobuf's text form. */
export function toConfigBlock({ name, tensorsPath, metadataPath, sprite }: EmbeddingEntry): string {
  const lines = [
    `tensor_name: ${quote(name)}`,
    `tensor_path: ${quote(tensorsPath)}`,
    ...(metadataPath === undefined ? [] : [`metadata_path: ${quote(metadataPath)}`]),
    ...(sprite === undefined
      ? []
      : [
          'sprite {',
          `  image_path: ${quote(sprite.path)}`,
          `  single_image_dim: ${sprite.width}`,
          `  single_image_dim: ${sprite.height}`,
          '}',
        ]),
  ];
  return `embeddings {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;
}

/** A string in protobuf's text form: quotes, backslashes and control characters are escaped, UTF-8 is kept. */
function quote(text: string): string {
  const escaped = text.replace(/["\\]|\p{Cc}/gu, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    return [...encodeUtf8(character)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  });
  return `"${escaped}"`;
}

const invalid = invalidArgument(
  'ERR_EMBEDDING_INVALID',
  'Pass rows with the same number of finite numbers; labels and images need one entry for each row.',
);
