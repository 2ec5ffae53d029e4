/** The attributes of a node, as users give them. */

import type { DataType } from '../../format/wire/messages.js';

/** The names of element types. */
export type GraphDataType = Lowercase<keyof typeof DataType>;

/** The sizes of the dimensions; null for an unknown size. */
export type GraphShape = readonly (number | null)[];

/** A constant. `content` is row-major and little-endian. */
export interface GraphTensor {
  readonly type: GraphDataType;
  readonly shape: readonly number[];
  readonly content: Uint8Array;
}

/**
 * An attribute: text, raw bytes, a whole number (int64), any other number (float32), a boolean, a type, a shape, a constant, or a
 * list of one kind. Use `{ float }` or `{ int }` to choose the type of a number. A list of numbers is a list of floats if any of
 * them is not whole.
 */
export type GraphAttribute =
  | string
  | Uint8Array
  | number
  | bigint
  | boolean
  | { readonly float: number }
  | { readonly int: number | bigint }
  | { readonly type: GraphDataType }
  | { readonly shape: GraphShape }
  | { readonly tensor: GraphTensor }
  | readonly string[]
  | readonly Uint8Array[]
  | readonly number[]
  | readonly bigint[]
  | readonly boolean[]
  | readonly { readonly float: number }[]
  | readonly { readonly int: number | bigint }[]
  | readonly { readonly shape: GraphShape }[]
  | readonly { readonly type: GraphDataType }[];
