/** Learns a way through a grid by Q-learning, with videos of its walks: node build/examples/reinforcement-learning.js [root] */

import { type ImagePixels, Run } from 'polytrack';
import { createRandom } from './quickstart/random.js';

const GRID = ['S....', '.##..', '...#.', '.#...', '.#..G'];
const SIDE = GRID.length;
const MOVES = [-SIDE, SIDE, -1, 1]; // up, down, left, right
const EPISODES = 300;
const [learningRate, discount] = [0.5, 0.95];
const CELL = 16;
const COLORS: Record<string, readonly number[]> = {
  '#': [60, 60, 60],
  G: [60, 170, 90],
  '.': [235, 235, 235],
  S: [200, 215, 240],
};

const run = new Run({ root: process.argv[2], name: 'grid-world' });
run.logInputs({ episodes: EPISODES, learningRate, discount });
const random = createRandom(7);
const values = Array.from({ length: SIDE * SIDE }, () => new Float32Array(MOVES.length));
const cellAt = (at: number) => GRID[Math.floor(at / SIDE)]![at % SIDE]!;

function move(at: number, action: number): number {
  const to = at + MOVES[action]!;
  const leavesRow = action > 1 && Math.floor(to / SIDE) !== Math.floor(at / SIDE);
  return to < 0 || to >= SIDE * SIDE || leavesRow || cellAt(to) === '#' ? at : to;
}

function walk(exploration: number): { path: number[]; reward: number } {
  const path = [0];
  let reward = 0;
  for (let at = 0; path.length < 60 && cellAt(at) !== 'G'; ) {
    const known = values[at]!;
    const action = random() < exploration ? Math.floor(random() * 4) : known.indexOf(Math.max(...known));
    const to = move(at, action);
    const gain = cellAt(to) === 'G' ? 1 : -0.02;
    known[action]! += learningRate * (gain + discount * Math.max(...values[to]!) - known[action]!);
    reward += gain;
    path.push(to);
    at = to;
  }
  return { path, reward };
}

/** One image of the grid for each step of a walk. */
function draw(path: readonly number[]): ImagePixels[] {
  const width = SIDE * CELL;
  return path.map((agent) => {
    const frame = new Uint8Array(width * width * 3);
    for (let pixel = 0; pixel < width * width; pixel += 1) {
      const at = Math.floor(pixel / width / CELL) * SIDE + Math.floor((pixel % width) / CELL);
      frame.set(at === agent ? [210, 60, 60] : COLORS[cellAt(at)]!, pixel * 3);
    }
    return { pixels: frame, height: width, width };
  });
}

for (let episode = 0; episode < EPISODES; episode += 1) {
  const { path, reward } = walk(Math.max(0.02, 1 - episode / 150));
  run.logMetrics({ reward, steps: path.length - 1 }, { step: episode });
  if (episode % 100 === 0 || episode === EPISODES - 1) run.logVideo('walk', draw(path), { step: episode });
  if (episode % 50 === 0)
    run.logHistogram(
      'values',
      values.flatMap((each) => [...each]),
      { step: episode },
    );
}
await run.end();
console.log(run.paths.run);
