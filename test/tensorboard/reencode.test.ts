/** Decodes and re-encodes files of reference writers: the reference reader finds the same messages in both. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { encodeRecord } from '../../src/format/record/record-codec.js';
import { encodeEvent, joinPieces } from '../../src/format/wire/encode-event.js';
import { FIXTURES, listExpectedFiles } from '../support/expected-runs.js';
import { describeWithPeers } from '../support/peers.js';
import { runPython } from '../support/python.js';
import { readFileEvents } from '../support/read-file.js';
import { createTempDir } from '../support/temp-dir.js';

/** Prints the files whose messages differ, and the number of equal files. */
const COMPARE = `
import os, sys
from tensorboard.backend.event_processing import event_file_loader
def load(path):
    events = list(event_file_loader.LegacyEventFileLoader(path).Load())
    for event in events:
        for value in event.summary.value:
            # An absent shape means rank 0: PyTorch omits it, polytrack writes it.
            if value.HasField('tensor'):
                value.tensor.tensor_shape.SetInParent()
    return events
same = 0
for path in sys.argv[3:]:
    theirs, ours = load(os.path.join(sys.argv[1], path)), load(os.path.join(sys.argv[2], path))
    if theirs == ours:
        same += 1
    else:
        print(path, [(a, b) for a, b in zip(theirs, ours) if a != b][:1])
print(same)
`;

describeWithPeers(['python'], 're-encoded files of reference writers', () => {
  it('contain the same messages', async () => {
    const copies = createTempDir();
    const paths = listExpectedFiles().map(({ path }) => path);
    for (const path of paths) {
      const events = await readFileEvents(join(FIXTURES, path));
      mkdirSync(dirname(join(copies, path)), { recursive: true });
      writeFileSync(
        join(copies, path),
        Buffer.concat(events.map(({ event }) => encodeRecord(joinPieces(encodeEvent(event))))),
      );
    }

    const { stdout } = await runPython(COMPARE, [FIXTURES, copies, ...paths]);

    expect(stdout.trim()).toBe(String(paths.length));
    expect(paths.length).toBeGreaterThan(40);
  });
});
