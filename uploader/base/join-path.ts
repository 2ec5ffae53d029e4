const SLASH = 0x2f;

/** Like `joinPath`, for names as text. */
export function joinNames(directory: Buffer, ...names: readonly string[]): Buffer {
  return joinPath(
    directory,
    names.map((name) => Buffer.from(name)),
  );
}

/** Copies a path that is kept for long: a slice of Node's buffer pool, such as the result of `joinPath`, would keep 8 KiB in memory. */
export function copyPath(path: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(path.length);
  path.copy(copy);
  return copy;
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
