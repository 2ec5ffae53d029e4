/** The part of gifenc that is used; the package has no types of its own. */

declare module 'gifenc' {
  type Palette = readonly (readonly number[])[];

  interface GifStream {
    writeFrame(
      index: Uint8Array,
      width: number,
      height: number,
      options: { palette: Palette; delay: number; repeat: number },
    ): void;
    finish(): void;
    bytes(): Uint8Array;
  }

  const gifenc: {
    GIFEncoder(): GifStream;
    /** `rgba`: Uint8Array of whole pixels. */
    quantize(rgba: Uint8Array, maxColors: number): Palette;
    applyPalette(rgba: Uint8Array, palette: Palette): Uint8Array;
  };
  // biome-ignore lint/style/noDefaultExport: the package is CommonJS, its default is all that Node.js can import.
  export default gifenc;
}
