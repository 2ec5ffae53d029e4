/** The GIF encoder gifenc, which has no type declarations. */

// @ts-expect-error: no declarations
import * as module from 'gifenc';

export type Palette = readonly (readonly number[])[];

/** The part that is used. */
interface Gifenc {
  GIFEncoder(): {
    writeFrame(
      index: Uint8Array,
      width: number,
      height: number,
      options: { palette: Palette; delay: number; repeat: number },
    ): void;
    finish(): void;
    bytes(): Uint8Array;
  };
  /** `rgba` has whole pixels. */
  quantize(rgba: Uint8Array, maxColors: number): Palette;
  applyPalette(rgba: Uint8Array, palette: Palette): Uint8Array;
}

/** Bundlers load a module with named exports, Node.js one that has them in its default export. */
export const gifenc = ('GIFEncoder' in module ? module : module.default) as Gifenc;
