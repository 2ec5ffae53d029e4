import type { Type } from 'protobufjs';

/** Loads a message type from the `.proto` file that defines it: `loadMessageType('event', 'tensorboard.Event')`. */
export function loadMessageType(proto: string, name: string): Type;
