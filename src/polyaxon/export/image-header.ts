/**
 * Reads the format, size and channels of an encoded image from its header.
 *
 * Headers: PNG's IHDR (ISO/IEC 15948), JPEG's first frame header (ITU-T T.81), GIF's logical screen (GIF89a), BMP's information
 * header, and the first bytes of WebP (RFC 9649), which give the format only.
 */

interface ImageHeader {
  /** Without a dot. */
  readonly extension: string;
  readonly height?: number;
  readonly width?: number;
  /** The number of channels, as in TensorFlow: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA. */
  readonly colorspace?: number;
}

/** The channels of PNG's colour types; a palette counts as RGB. */
const PNG_COLORSPACES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 3, 4: 2, 6: 4 };

/** Reads an image's header. Unknown formats get the extension `bin`. */
export function readImageHeader(bytes: Uint8Array): ImageHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = bytes.length >= 4 ? view.getUint32(0) : 0;
  if (start === 0x89504e47) return readPng(view);
  if (start === 0x47494638) return readGif(view);
  if (start >>> 8 === 0xffd8ff) return readJpeg(view);
  if (start >>> 16 === 0x424d) return readBmp(view);
  if (start === 0x52494646 && bytes.length >= 12 && view.getUint32(8) === 0x57454250)
    return { extension: 'webp' };
  return { extension: 'bin' };
}

function readPng(view: DataView): ImageHeader {
  if (view.byteLength < 26) return { extension: 'png' };
  const colorspace = PNG_COLORSPACES[view.getUint8(25)];
  return {
    extension: 'png',
    height: view.getUint32(20),
    width: view.getUint32(16),
    ...(colorspace === undefined ? {} : { colorspace }),
  };
}

function readGif(view: DataView): ImageHeader {
  if (view.byteLength < 10) return { extension: 'gif' };
  return {
    extension: 'gif',
    height: view.getUint16(8, true),
    width: view.getUint16(6, true),
    colorspace: 3,
  };
}

function readBmp(view: DataView): ImageHeader {
  if (view.byteLength < 30) return { extension: 'bmp' };
  return {
    extension: 'bmp',
    // A negative height means that rows are stored from top to bottom.
    height: Math.abs(view.getInt32(22, true)),
    width: view.getInt32(18, true),
    colorspace: view.getUint16(28, true) === 32 ? 4 : 3,
  };
}

function readJpeg(view: DataView): ImageHeader {
  const frame = findJpegFrame(view);
  if (frame === undefined) return { extension: 'jpg' };
  const components = view.getUint8(frame + 9);
  return {
    extension: 'jpg',
    height: view.getUint16(frame + 5),
    width: view.getUint16(frame + 7),
    // Four components are CMYK, which has no colorspace number.
    ...(components === 1 || components === 3 ? { colorspace: components } : {}),
  };
}

/** Returns the offset of the marker of the frame header (SOF0 to SOF15 without DHT, JPG and DAC), if any. */
function findJpegFrame(view: DataView): number | undefined {
  let at = 2;
  while (at + 10 <= view.byteLength && view.getUint8(at) === 0xff) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at++;
      continue;
    }
    const isTable = marker === 0xc4 || marker === 0xc8 || marker === 0xcc;
    if (marker >= 0xc0 && marker <= 0xcf && !isTable) return at;
    at += 2 + view.getUint16(at + 2);
  }
  return undefined;
}
