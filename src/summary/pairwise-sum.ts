/**
 * Sums in the order of numpy's additions, so that areas, means and deviations equal those of Python to the last digit.
 *
 * Source: numpy 2.4, `numpy/_core/src/umath/loops_utils.h.src` (`pairwise_sum`).
 */

const BLOCK = 128;
const LANES = 8;

/** The sum of `values[start, end)`. */
export function pairwiseSum(values: Float64Array, start = 0, end = values.length): number {
  const count = end - start;
  if (count < LANES) {
    let sum = 0;
    for (let i = start; i < end; i++) sum += values[i]!;
    return sum;
  }
  if (count > BLOCK) {
    const half = Math.floor(count / 2);
    const middle = start + half - (half % LANES);
    return pairwiseSum(values, start, middle) + pairwiseSum(values, middle, end);
  }
  const lanes = values.slice(start, start + LANES);
  let at = start + LANES;
  for (; at + LANES <= end; at += LANES) {
    for (let lane = 0; lane < LANES; lane++) lanes[lane]! += values[at + lane]!;
  }
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = lanes;
  let sum = a + b + (c + d) + (e + f + (g + h));
  for (; at < end; at++) sum += values[at]!;
  return sum;
}

export function mean(values: Float64Array): number {
  return pairwiseSum(values) / values.length;
}

/** The population standard deviation, like `np.std`. */
export function standardDeviation(values: Float64Array): number {
  const center = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - center) * (value - center))));
}
