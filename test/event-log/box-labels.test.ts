/** Labels of boxes beyond ASCII. */

import { expect, it } from 'vitest';
import { SummaryWriter, type TrackingWarning } from '../../src/index.js';
import { createTempDir } from '../support/temp-dir.js';

const IMAGE = { pixels: new Uint8Array(60 * 40 * 3), height: 40, width: 60, channels: 3 } as const;

async function warningsOf(labels: readonly string[]): Promise<TrackingWarning[]> {
  const warnings: TrackingWarning[] = [];
  const writer = new SummaryWriter(createTempDir(), { onWarning: (warning) => warnings.push(warning) });
  for (const [step, label] of labels.entries())
    writer.addImageWithBoxes('boxes', IMAGE, [{ xMin: 1, yMin: 20, xMax: 50, yMax: 35, label }], step);
  await writer.close();
  return warnings;
}

it('warns once about characters of labels that the font lacks', async () => {
  const warnings = await warningsOf(['cat', 'Katze é', '猫', '犬']);

  expect(warnings.map(({ code }) => code)).toEqual(['WARN_LABEL_CHARACTERS']);
  expect(warnings[0]?.message).toContain('boxes: the font for labels lacks "猫"');
});

it('does not warn about labels that can be drawn', async () => {
  expect(await warningsOf(['cat', 'Größe', 'машина', 'κάδος', '→ 5 €'])).toEqual([]);
});
