/**
 * Reads the header of an encoded audio clip. Parses WAV only; other formats are recognised by their first bytes.
 *
 * WAV: "Multimedia Programming Interface and Data Specifications 1.0" (RIFF): chunks `fmt ` and `data`.
 */

interface AudioHeader {
  /** Without a dot. */
  readonly extension: string;
  readonly contentType?: string;
  readonly sampleRateHz?: number;
  readonly channels?: number;
  readonly lengthFrames?: number;
}

const RIFF = 0x52494646;
const WAVE = 0x57415645;
const FORMAT = 0x666d7420;
const DATA = 0x64617461;

/** Reads a clip's header. Unknown formats get the extension `bin`. */
export function readAudioHeader(bytes: Uint8Array): AudioHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = bytes.length >= 4 ? view.getUint32(0) : 0;
  if (start === RIFF && bytes.length >= 12 && view.getUint32(8) === WAVE) return readWav(view);
  if (start === 0x4f676753) return { extension: 'ogg', contentType: 'audio/ogg' };
  if (start === 0x664c6143) return { extension: 'flac', contentType: 'audio/flac' };
  // Either an ID3 tag or a frame of MPEG audio layer III.
  if (start >>> 8 === 0x494433 || ((start >>> 16) & 0xffe6) === 0xffe2)
    return { extension: 'mp3', contentType: 'audio/mpeg' };
  return { extension: 'bin' };
}

function readWav(view: DataView): AudioHeader {
  const header = { extension: 'wav', contentType: 'audio/wav' };
  let blockBytes = 0;
  let format: { readonly sampleRateHz: number; readonly channels: number } | undefined;
  for (let at = 12; at + 8 <= view.byteLength; ) {
    const chunk = view.getUint32(at);
    const chunkBytes = view.getUint32(at + 4, true);
    const content = at + 8;
    if (chunk === FORMAT && content + 16 <= view.byteLength) {
      format = {
        channels: view.getUint16(content + 2, true),
        sampleRateHz: view.getUint32(content + 4, true),
      };
      blockBytes = view.getUint16(content + 12, true);
    }
    if (chunk === DATA) {
      // Streaming writers store a length that is too large.
      const dataBytes = Math.min(chunkBytes, view.byteLength - content);
      return {
        ...header,
        ...format,
        ...(blockBytes === 0 ? {} : { lengthFrames: Math.floor(dataBytes / blockBytes) }),
      };
    }
    at = content + chunkBytes + (chunkBytes % 2);
  }
  return { ...header, ...format };
}
