const SLASH = Buffer.from('/');

/** `directory` joined with names below it, as bytes. */
export function joinPath(directory: Buffer, names: readonly Buffer[]): Buffer {
  const isRoot = directory.length === 1 && directory[0] === SLASH[0];
  return Buffer.concat([isRoot ? Buffer.alloc(0) : directory, ...names.flatMap((name) => [SLASH, name])]);
}
