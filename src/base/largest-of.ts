/** Returns the largest of `numbers` and 0. Unlike `Math.max(...numbers)`, it accepts any number of them. */
export function largestOf(numbers: Iterable<number>): number {
  let largest = 0;
  for (const number of numbers) if (number > largest) largest = number;
  return largest;
}
