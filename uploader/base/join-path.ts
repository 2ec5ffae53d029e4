const SLASH = 0x2f;

/** Like `joinPath`, for names as text. */
export function joinNames(directory: Buffer, ...names: readonly string[]): Buffer {
  return joinPath(
    directory,
    names.map((name) => Buffer.from(name)),
  );
}

/** Joins `directory` and the names below it to one path, as bytes. */
export function joinPath(directory: Buffer, names: readonly Buffer[]): Buffer {
  const isRoot = directory.length === 1 && directory[0] === SLASH;
  let end = isRoot ? 0 : directory.length;
  const path = Buffer.allocUnsafe(names.reduce((length, name) => length + 1 + name.length, end));
  if (!isRoot) path.set(directory);
  for (const name of names) {
    path[end] = SLASH;
    path.set(name, end + 1);
    end += 1 + name.length;
  }
  return path;
}
