/**
 * Reads the size of an encoded image from its header, for the formats that TensorBoard serves with the right content type.
 *
 * Source of the formats: tensorboard/plugins/image/images_plugin.py. Headers: PNG's IHDR, JPEG's first frame header (ITU-T T.81),
 * GIF's logical screen (GIF89a), BMP's information header.
 */

interface ImageSize {
  readonly height: number;
  readonly width: number;
}

/** The width and height in pixels; undefined when the bytes are not PNG, JPEG, GIF or BMP. */
export function readImageSize(bytes: Uint8Array): ImageSize | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 24 && view.getUint32(0) === 0x89504e47 && view.getUint32(4) === 0x0d0a1a0a) {
    return { width: view.getUint32(16), height: view.getUint32(20) };
  }
  if (bytes.length >= 10 && view.getUint32(0) === 0x47494638) {
    return { width: view.getUint16(6, true), height: view.getUint16(8, true) };
  }
  if (bytes.length >= 26 && view.getUint16(0) === 0x424d) {
    return { width: view.getInt32(18, true), height: Math.abs(view.getInt32(22, true)) };
  }
  if (bytes.length < 4 || view.getUint16(0) !== 0xffd8) return undefined;
  const frame = findJpegFrame(view);
  return frame === undefined
    ? undefined
    : { height: view.getUint16(frame + 5), width: view.getUint16(frame + 7) };
}

/** The offset of the marker of a JPEG's frame header (SOF0–SOF15 without DHT, JPG and DAC); undefined if the file has none. */
function findJpegFrame(view: DataView): number | undefined {
  let at = 2;
  while (at + 9 <= view.byteLength) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at++;
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return at;
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}
