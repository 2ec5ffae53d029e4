/** The names of blobs, as in TensorBoard's Python reader: JSON in URL-safe base64. Source: data_provider.py of backend/event_processing. */

interface BlobKey {
  readonly plugin: string;
  readonly run: string;
  readonly tag: string;
  readonly step: number | bigint;
  readonly index: number;
}

export function encodeBlobKey({ plugin, run, tag, step, index }: BlobKey): string {
  const names = ['', plugin, run, tag].map((name) => toAscii(JSON.stringify(name)));
  return Buffer.from(`[${names.join(',')},${step},${index}]`).toString('base64url');
}

/** Returns undefined if the text is not the name of a blob. */
export function decodeBlobKey(key: string): BlobKey | undefined {
  const text = Buffer.from(key, 'base64url').toString();
  const [, names, digits, index] = /^(\[.*),(-?\d+),(\d+)\]$/s.exec(text) ?? [];
  if (names === undefined) return undefined;
  try {
    const [, plugin, run, tag] = JSON.parse(`${names}]`) as string[];
    const step = Number(digits);
    const exact = Number.isSafeInteger(step) ? step : BigInt(digits!);
    return { plugin: String(plugin), run: String(run), tag: String(tag), step: exact, index: Number(index) };
  } catch {
    return undefined;
  }
}

/** As `json.dumps` of Python, so that both readers give a blob the same name. */
function toAscii(json: string): string {
  return json.replace(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
