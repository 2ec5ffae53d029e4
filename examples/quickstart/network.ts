/**
 * A small neural network in plain typed arrays: dense layers with ReLU between them and softmax at the end, trained with
 * Adam on cross entropy. This file does not use polytrack.
 */

import type { Random } from './random.js';

export interface Layer {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  /** Shape: inputs×outputs, row-major. */
  readonly weights: Float32Array;
  readonly biases: Float32Array;
}

export interface Network {
  readonly layers: readonly Layer[];
}

/** The result on a set of images. */
export interface Score {
  /** Mean cross entropy, natural logarithm. */
  readonly loss: number;
  /** Share of images whose most likely class is correct, 0–1. */
  readonly accuracy: number;
}

/** Creates layers of the given widths, with small random weights (He initialisation) and zero biases. */
export function createNetwork(widths: readonly number[], random: Random): Network {
  const layers = widths.slice(1).map((outputs, index) => {
    const inputs = widths[index]!;
    const deviation = Math.sqrt(2 / inputs);
    const weights = Float32Array.from({ length: inputs * outputs }, () => normal(random) * deviation);
    return { name: `layer-${index + 1}`, inputs, outputs, weights, biases: new Float32Array(outputs) };
  });
  return { layers };
}

/** Returns the likelihood of every class for each image. Shape: count×classes. */
export function predict(network: Network, pixels: Float32Array): Float32Array {
  return activate(network, pixels).at(-1)!;
}

/** Compares likelihoods with the correct classes. */
export function score(likelihoods: Float32Array, labels: Uint8Array): Score {
  const classes = likelihoods.length / labels.length;
  let loss = 0;
  let right = 0;
  labels.forEach((label, index) => {
    const row = likelihoods.subarray(index * classes, (index + 1) * classes);
    loss -= Math.log(Math.max(row[label]!, Number.MIN_VALUE));
    if (mostLikely(row) === label) right++;
  });
  return { loss: loss / labels.length, accuracy: right / labels.length };
}

/** Returns the class with the greatest likelihood. */
export function mostLikely(likelihoods: Float32Array): number {
  return likelihoods.indexOf(Math.max(...likelihoods));
}

/** The Adam optimizer, with running means of each gradient and its square. Source: Kingma and Ba, arXiv:1412.6980. */
export class AdamTrainer {
  readonly #moments: ReadonlyMap<Float32Array, { mean: Float64Array; square: Float64Array }>;
  #step = 0;

  constructor(
    readonly network: Network,
    readonly learningRate: number,
  ) {
    const parameters = network.layers.flatMap((layer) => [layer.weights, layer.biases]);
    this.#moments = new Map(
      parameters.map((values) => [
        values,
        { mean: new Float64Array(values.length), square: new Float64Array(values.length) },
      ]),
    );
  }

  /** Trains on one batch. Returns the score of the network on this batch before the update. */
  trainBatch(pixels: Float32Array, labels: Uint8Array): Score {
    const { layers } = this.network;
    const activations = activate(this.network, pixels);
    const likelihoods = activations.at(-1)!;
    const result = score(likelihoods, labels);
    this.#step++;
    let slopes = lossSlopes(likelihoods, labels);
    for (let index = layers.length - 1; index >= 0; index--) {
      const layer = layers[index]!;
      const inputs = activations[index]!;
      const gradient = layerGradient(layer, inputs, slopes);
      if (index > 0) slopes = slopesBelow(layer, inputs, slopes);
      this.#update(layer.weights, gradient.weights);
      this.#update(layer.biases, gradient.biases);
    }
    return result;
  }

  #update(values: Float32Array, gradient: Float64Array): void {
    const { mean, square } = this.#moments.get(values)!;
    const meanCorrection = 1 - 0.9 ** this.#step;
    const squareCorrection = 1 - 0.999 ** this.#step;
    for (let i = 0; i < values.length; i++) {
      const slope = gradient[i]!;
      mean[i] = 0.9 * mean[i]! + 0.1 * slope;
      square[i] = 0.999 * square[i]! + 0.001 * slope * slope;
      const direction = mean[i]! / meanCorrection / (Math.sqrt(square[i]! / squareCorrection) + 1e-8);
      values[i] = values[i]! - this.learningRate * direction;
    }
  }
}

/** Returns the output of every layer; the first item is the images. */
function activate(network: Network, pixels: Float32Array): Float32Array[] {
  const activations = [pixels];
  network.layers.forEach((layer, index) => {
    const inputs = activations[index]!;
    const count = inputs.length / layer.inputs;
    const outputs = new Float32Array(count * layer.outputs);
    for (let n = 0; n < count; n++) {
      const row = outputs.subarray(n * layer.outputs, (n + 1) * layer.outputs);
      row.set(layer.biases);
      for (let i = 0; i < layer.inputs; i++) {
        const input = inputs[n * layer.inputs + i]!;
        if (input === 0) continue;
        for (let o = 0; o < layer.outputs; o++)
          row[o] = row[o]! + input * layer.weights[i * layer.outputs + o]!;
      }
      if (index === network.layers.length - 1) softmax(row);
      else relu(row);
    }
    activations.push(outputs);
  });
  return activations;
}

function relu(row: Float32Array): void {
  for (let i = 0; i < row.length; i++) row[i] = Math.max(0, row[i]!);
}

function softmax(row: Float32Array): void {
  const greatest = Math.max(...row);
  let sum = 0;
  for (let i = 0; i < row.length; i++) {
    row[i] = Math.exp(row[i]! - greatest);
    sum += row[i]!;
  }
  for (let i = 0; i < row.length; i++) row[i] = row[i]! / sum;
}

/** Returns the gradient of the mean cross entropy with respect to the input of the softmax. */
function lossSlopes(likelihoods: Float32Array, labels: Uint8Array): Float64Array {
  const classes = likelihoods.length / labels.length;
  const slopes = Float64Array.from(likelihoods, (likelihood) => likelihood / labels.length);
  labels.forEach((label, n) => {
    slopes[n * classes + label] = slopes[n * classes + label]! - 1 / labels.length;
  });
  return slopes;
}

function layerGradient(
  layer: Layer,
  inputs: Float32Array,
  slopes: Float64Array,
): { weights: Float64Array; biases: Float64Array } {
  const weights = new Float64Array(layer.weights.length);
  const biases = new Float64Array(layer.outputs);
  const count = slopes.length / layer.outputs;
  for (let n = 0; n < count; n++) {
    for (let o = 0; o < layer.outputs; o++) {
      const slope = slopes[n * layer.outputs + o]!;
      biases[o] = biases[o]! + slope;
      for (let i = 0; i < layer.inputs; i++) {
        const at = i * layer.outputs + o;
        weights[at] = weights[at]! + inputs[n * layer.inputs + i]! * slope;
      }
    }
  }
  return { weights, biases };
}

/** Returns the gradient with respect to the output of the layer below. `inputs`: that output, after its ReLU. */
function slopesBelow(layer: Layer, inputs: Float32Array, slopes: Float64Array): Float64Array {
  const below = new Float64Array(inputs.length);
  const count = inputs.length / layer.inputs;
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < layer.inputs; i++) {
      if (inputs[n * layer.inputs + i]! <= 0) continue;
      let sum = 0;
      for (let o = 0; o < layer.outputs; o++) {
        sum += layer.weights[i * layer.outputs + o]! * slopes[n * layer.outputs + o]!;
      }
      below[n * layer.inputs + i] = sum;
    }
  }
  return below;
}

/** Returns a random number with the standard normal distribution (Box–Muller). */
function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
