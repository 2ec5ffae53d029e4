/** The files of reference writers, decoded and encoded again by us: the reference reader finds the same messages in them. */

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

/** Prints the files whose messages differ, and the number of those that do not. */
const COMPARE = `
import os, sys
from tensorboard.backend.event_processing import event_file_loader
def load(path):
    events = list(event_file_loader.LegacyEventFileLoader(path).Load())
    for event in events:
        for value in event.summary.value:
            # A shape that is left out is that of rank 0: PyTorch leaves it out, we write it.
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

describeWithPeers(['python'], 'files of reference writers, written again', () => {
  it('hold the same messages', async () => {
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
