import { describe, expect, it } from 'vitest';
import { UploaderContext } from '../../../../uploader/engine/context/uploader-context.js';
import type { SyncEvent } from '../../../../uploader/pipeline/report/progress.js';
import { createTempDir } from '../../../support/temp-dir.js';
import { DEFAULT_CONFIG } from '../../support/default-config.js';
import { connectTo } from '../../support/polyaxon-client.js';
import { makeRun } from '../../support/run-tree.js';

describe('UploaderContext', () => {
  it('delivers the notices that the store sends while it opens', async () => {
    const path = makeRun(createTempDir());
    const connection = await connectTo('https://polyaxon.test', { POLYAXON_VERIFY_SSL: 'false' });
    const events: SyncEvent[] = [];
    const store = 'polyaxon://polyaxon.test/owner/project';
    const config = { ...DEFAULT_CONFIG, path, store, polyaxon: () => connection };

    const onEvent = (event: SyncEvent): unknown => events.push(event);
    const context = await UploaderContext.open(config, { onEvent }, { isWatching: false });
    await context.store.close();

    const expected = expect.objectContaining({ code: 'NOTICE_TLS_UNVERIFIED' });
    expect(events).toEqual([expected]);
    expect(context.notices).toEqual([expected]);
  });

  it('keeps the latest notices of a watch, and delivers all', async () => {
    const directory = createTempDir();
    const store = `file://${createTempDir()}`;
    let events = 0;
    const onEvent = (): void => {
      events += 1;
    };
    const config = { ...DEFAULT_CONFIG, path: makeRun(directory), store };
    const context = await UploaderContext.open(config, { onEvent }, { isWatching: true });
    await context.store.close();

    for (let index = 0; index < 2_500; index += 1)
      context.onNotice({ code: 'NOTICE_NO_MANIFEST', message: String(index) });

    expect(events).toBe(2_500);
    expect(context.notices.length).toBe(1_000);
    expect(context.notices.at(-1)?.message).toBe('2499');
  });
});
