/**
 * Meshes and point clouds: vertices, optionally with faces and colours.
 *
 * TensorBoard's form is one value for each part, each a tensor of rank 3: vertices float32 [B, N, 3], faces int32 [B, F, 3],
 * colours uint8 [B, N, 3]. The metadata of each value lists the parts that exist.
 * Source: tensorboard/plugins/mesh/{summary,metadata}.py.
 */

import { describe } from '../base/describe.js';
import { invalidArgument } from '../base/errors.js';
import { tensorboard } from '../format/wire/generated/plugins.js';
import { DataType, type SummaryValue, type TensorProto } from '../format/wire/messages.js';
import { createMetadata, type SeriesLabels } from './plugin-data.js';

/**
 * Rows of three numbers: nested arrays of shape [N, 3] or [B, N, 3], or a flat array of shape N×3, row-major. All meshes of a batch
 * have the same number of rows.
 */
export type Triples =
  | readonly (readonly number[])[]
  | readonly (readonly (readonly number[])[])[]
  | FlatNumbers;

type FlatNumbers = Float32Array | Float64Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;

export interface MeshInput {
  /** Coordinates x, y, z; finite. */
  readonly vertices: Triples;
  /** Triangles: each row has three indices into the vertices. Without faces, the vertices are a point cloud. */
  readonly faces?: Triples | undefined;
  /** Red, green and blue of each vertex: whole numbers 0–255. */
  readonly colors?: Triples | undefined;
  /** The scene for the browser: `camera`, `lights` and `material`, with the names and arguments of three.js classes. */
  readonly config?: Readonly<Record<string, unknown>> | undefined;
}

/** What the tags of a mesh have after its name. */
export const MESH_PARTS = ['_VERTEX', '_FACE', '_COLOR'] as const;

/** Builds the values of a mesh: one for each part, to be written as one event. Throws `ERR_MESH_INVALID`. */
export function createMeshValues(tag: string, mesh: MeshInput, labels?: SeriesLabels): SummaryValue[] {
  if (typeof mesh !== 'object' || mesh === null || mesh.vertices === undefined) {
    throw invalid(`mesh is ${describe(mesh)}, expected { vertices, faces, colors }`);
  }
  const { ContentType } = tensorboard.MeshPluginData;
  const vertices = flatten('vertices', mesh.vertices);
  const parts: { name: string; type: number; tensor: TensorProto }[] = [
    { name: 'VERTEX', type: ContentType.VERTEX, tensor: parseVertexTensor(vertices) },
  ];
  if (mesh.faces !== undefined) {
    const faces = flatten('faces', mesh.faces);
    checkBatch('faces', faces, vertices);
    parts.push({ name: 'FACE', type: ContentType.FACE, tensor: parseFaceTensor(faces, vertices.rows) });
  }
  if (mesh.colors !== undefined) {
    const colors = flatten('colors', mesh.colors);
    checkBatch('colors', colors, vertices);
    if (colors.rows !== vertices.rows) {
      throw invalid(`colors has ${colors.rows} rows, expected ${vertices.rows}, one for each vertex`);
    }
    parts.push({ name: 'COLOR', type: ContentType.COLOR, tensor: parseColorTensor(colors) });
  }
  const components = parts.reduce((bits, { type }) => bits | (1 << type), 0);
  const jsonConfig = parseConfig(mesh.config ?? {});
  return parts.map(({ name, type, tensor }) => {
    const data = { name: tag, contentType: type, jsonConfig, shape: [...tensor.shape], components };
    const content = tensorboard.MeshPluginData.encode(data).finish();
    return {
      tag: `${tag}_${name}`,
      metadata: createMetadata('mesh', labels, content),
      value: { kind: 'tensor', tensor },
    };
  });
}

/** Numbers of shape [batch, rows, 3], row-major. */
interface FlatTriples {
  readonly batch: number;
  readonly rows: number;
  readonly values: ArrayLike<number>;
}

function flatten(name: string, input: Triples): FlatTriples {
  if (ArrayBuffer.isView(input)) {
    if (input.length % 3 !== 0 || input.length === 0) {
      throw invalid(`${name} has ${input.length} numbers, expected a multiple of 3`);
    }
    return { batch: 1, rows: input.length / 3, values: input };
  }
  if (!Array.isArray(input) || !Array.isArray(input[0])) {
    throw invalid(`${name} is ${describe(input)}, expected rows of three numbers`);
  }
  const meshes = (Array.isArray(input[0][0]) ? input : [input]) as number[][][];
  const rows = meshes[0]!.length;
  const values = new Float64Array(meshes.length * rows * 3);
  let at = 0;
  for (const [b, mesh] of meshes.entries()) {
    if (!Array.isArray(mesh) || mesh.length !== rows || rows === 0) {
      throw invalid(
        `${name}[${b}] has ${mesh?.length} rows, expected ${rows} as in the first, and at least 1`,
      );
    }
    for (const [i, row] of mesh.entries()) {
      if (!Array.isArray(row) || row.length !== 3 || row.some((x) => typeof x !== 'number')) {
        throw invalid(`${name}: row ${i} is ${describe(row)}, expected three numbers`);
      }
      values.set(row, at);
      at += 3;
    }
  }
  return { batch: meshes.length, rows, values };
}

function checkBatch(name: string, part: FlatTriples, vertices: FlatTriples): void {
  if (part.batch === vertices.batch) return;
  throw invalid(`${name} has a batch of ${part.batch}, expected ${vertices.batch} as in vertices`);
}

function parseVertexTensor({ batch, rows, values }: FlatTriples): TensorProto {
  const floatVal = Float32Array.from(values);
  const bad = floatVal.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0)
    throw invalid(`vertices: row ${Math.floor(bad / 3)} has ${values[bad]}, expected finite float32`);
  return { dtype: DataType.FLOAT, shape: [batch, rows, 3], floatVal };
}

function parseFaceTensor({ batch, rows, values }: FlatTriples, vertexCount: number): TensorProto {
  checkIntegers('faces', values, vertexCount - 1);
  return { dtype: DataType.INT32, shape: [batch, rows, 3], intVal: Int32Array.from(values) };
}

function parseColorTensor({ batch, rows, values }: FlatTriples): TensorProto {
  checkIntegers('colors', values, 255);
  return { dtype: DataType.UINT8, shape: [batch, rows, 3], intVal: Int32Array.from(values) };
}

function checkIntegers(name: string, values: ArrayLike<number>, max: number): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isInteger(value) && value >= 0 && value <= max) continue;
    throw invalid(`${name}: row ${Math.floor(i / 3)} has ${value}, expected a whole number from 0 to ${max}`);
  }
}

function parseConfig(config: Readonly<Record<string, unknown>>): string {
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw invalid(`config is ${describe(config)}, expected an object`);
  }
  try {
    return JSON.stringify(config);
  } catch (cause) {
    throw invalid('config cannot be converted to JSON', { cause });
  }
}

const invalid = invalidArgument(
  'ERR_MESH_INVALID',
  'Pass rows of three numbers: finite vertices, faces that index them, colors from 0 to 255.',
);
