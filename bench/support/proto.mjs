// Loads messages of proto/ by reflection, for programs and tests that encode messages which the generated code only decodes.

import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

/** Loads a message type from the `.proto` file that defines it: `loadMessageType('event', 'tensorboard.Event')`. */
export function loadMessageType(proto, name) {
  const path = fileURLToPath(new URL(`../../proto/${proto}.proto`, import.meta.url));
  return new protobuf.Root().loadSync(path).lookupType(name);
}
