/** Turns a loss curve into sound. */

import type { AudioSamples } from 'polytrack';

const SAMPLE_RATE_HZ = 22_050;
const NOTE_SECONDS = 0.09;
const LOWEST_HZ = 220;
const OCTAVES = 3;

/** Creates one short note per loss. The lower the loss, the lower the note. */
export function sonifyLoss(losses: readonly number[]): AudioSamples {
  const noteFrames = Math.round(SAMPLE_RATE_HZ * NOTE_SECONDS);
  const samples = new Float32Array(losses.length * noteFrames);
  const logs = losses.map((loss) => Math.log(Math.max(loss, 1e-6)));
  const low = Math.min(...logs);
  const range = Math.max(...logs) - low || 1;
  let phase = 0;
  logs.forEach((log, note) => {
    const hertz = LOWEST_HZ * 2 ** ((OCTAVES * (log - low)) / range);
    for (let frame = 0; frame < noteFrames; frame++) {
      // Fade each note in and out, so that it does not click.
      const loudness = Math.sin((Math.PI * frame) / noteFrames) ** 2;
      samples[note * noteFrames + frame] = 0.8 * loudness * Math.sin(phase);
      phase += (2 * Math.PI * hertz) / SAMPLE_RATE_HZ;
    }
  });
  return { samples, sampleRateHz: SAMPLE_RATE_HZ, channels: 1 };
}
