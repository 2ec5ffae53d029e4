import { describe, expect, it } from 'vitest';
import { toSpanPreview } from '../../../src/polyaxon/kinds/span-preview.js';

describe('toSpanPreview', () => {
  it('shows each span with its kind, status, duration, error and values, below its parent', () => {
    const text = toSpanPreview({
      name: 'answer',
      kind: 'agent',
      status: 'failed',
      status_conditions: [{ type: 'failed', message: 'no\nmodel' }],
      started_at: '2026-01-02T03:04:05+00:00',
      finished_at: '2026-01-02T03:04:07.500000+00:00',
      inputs: { question: 'why?' },
      children: [
        {
          name: 'model',
          started_at: '2026-01-02T03:04:05+00:00',
          finished_at: '2026-01-02T03:04:05.020+00:00',
        },
      ],
    });

    expect(text.split('\n')).toEqual([
      '    answer · agent · failed · 2.5 s',
      '      failed: no model',
      '      inputs: {"question":"why?"}',
      '        model · 20 ms',
    ]);
  });

  it('truncates long values and large trees', () => {
    const child = { name: 'child', outputs: { output: 'x'.repeat(1000) } };

    const lines = toSpanPreview({ children: Array(1000).fill(child) }).split('\n');

    expect(lines).toHaveLength(201);
    expect(lines[2]!.length).toBeLessThan(350);
    expect(lines.at(-1)).toBe('    …');
  });
});
