import { describe, expect, it } from 'vitest';
import { withConditionOffset, withOffset } from '../../../uploader/polyaxon-sync/clock-offset.js';

const HOUR_MS = 3_600_000;
const CONDITION = { type: 'running', status: true, reason: 'Polytrack' } as const;

describe('withOffset', () => {
  it('moves all times, and keeps microseconds', () => {
    const body = {
      ...{ uuid: 'ab'.repeat(16), kind: 'job' },
      ...{ created_at: '2026-01-01T00:00:00.123456+00:00', started_at: '2026-01-01T02:00:00.5+02:00' },
      status_conditions: [{ ...CONDITION, last_transition_time: '2026-01-01T00:00:01.000009+00:00' }],
    };
    expect(withOffset(body, -HOUR_MS)).toEqual({
      ...body,
      ...{ created_at: '2025-12-31T23:00:00.123456+00:00', started_at: '2025-12-31T23:00:00.500000+00:00' },
      status_conditions: [{ ...CONDITION, last_transition_time: '2025-12-31T23:00:01.000009+00:00' }],
    });
  });

  it('changes nothing if the clocks agree', () => {
    const body = { uuid: 'ab'.repeat(16), kind: 'job', created_at: '2026-01-01T00:00:00Z' };
    expect(withOffset(body, 0)).toEqual(body);
  });
});

describe('withConditionOffset', () => {
  it('leaves absent and invalid times unchanged', () => {
    const condition = { ...CONDITION, last_update_time: null, last_transition_time: 'yesterday' };
    expect(withConditionOffset(condition, HOUR_MS)).toEqual(condition);
  });
});
