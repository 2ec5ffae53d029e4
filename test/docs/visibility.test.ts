import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HIDDEN_REASONS } from '../../src/format/visibility/reasons.js';

describe('docs/tensorboard.md', () => {
  it('explains each reason why a viewer hides a value, with an example', () => {
    const text = readFileSync(join(import.meta.dirname, '../../docs/tensorboard.md'), 'utf8');
    const [, section = ''] = text.split('\n## What a viewer shows\n');
    const rows = section
      .split('\n## ')[0]!
      .matchAll(/^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$/gm);

    expect([...rows].map(([, reason]) => reason)).toEqual(HIDDEN_REASONS);
  });
});
