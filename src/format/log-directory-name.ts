/**
 * What the name of a log directory shows: some writers create a directory for a part of a run, which TensorBoard lists as a separate run.
 *
 * Sources: Keras, `keras/src/callbacks/tensorboard.py` (`train`, `validation`); TensorFlow's Estimator (`eval`, `eval_<name>`); PyTorch,
 * `torch/utils/tensorboard/writer.py`, and tensorboardX, `writer.py` (`add_scalars`, `add_hparams`).
 */

const PHASES: Readonly<Record<string, RegExp>> = {
  training: /^(train|training)$/i,
  validation: /^(validation|valid|val|dev)$/i,
  evaluation: /^(eval|evaluation|eval_.+)$/i,
  test: /^(test|testing)$/i,
};
/** Ultralytics names runs `train`, `train2`, `train3`, … */
const NUMBERED_PHASE = /^(train|val|test|eval)\d+$/i;
/** `str(time.time())` */
const TIME = /^\d{10}(\.\d+)?$/;

/** Returns which phase of a run the directory is named after, or null. */
export function findPhase(name: string): string | null {
  return Object.keys(PHASES).find((phase) => PHASES[phase]!.test(name)) ?? null;
}

/** Whether a directory is named like one of several runs, as in `train2`. */
export function isNumberedPhase(name: string): boolean {
  return NUMBERED_PHASE.test(name);
}

/** Whether a directory has the name that `add_hparams` of PyTorch and tensorboardX gives it: the time of the call. */
export function isHParamsTime(name: string): boolean {
  return TIME.test(name);
}

/**
 * Whether `add_scalars` has created a directory for one line of a chart. `path` is relative to the writer's directory, `tag` the first tag in it.
 * PyTorch: `<tag with _ for />_<line>`; tensorboardX: `<tag>/<line>`.
 */
export function isScalarsLine(path: string, tag: string): boolean {
  if (tag === '') return false;
  if (path.startsWith(`${tag}/`)) return true;
  const flat = tag.replaceAll('/', '_');
  return !path.includes('/') && (path === flat || path.startsWith(`${flat}_`));
}

/** Removes the time of a call of `add_hparams` from the end of a path: what its metrics are values of. */
export function toOwnerOfMetrics(path: string): string {
  const slash = path.lastIndexOf('/');
  return isHParamsTime(path.slice(slash + 1)) ? path.slice(0, Math.max(0, slash)) : path;
}

/** Removes such a time, and the name of a phase, from the end of a path: what its hyperparameters are values of. */
export function toOwnerOfHParams(path: string): string {
  const owner = toOwnerOfMetrics(path);
  const slash = owner.lastIndexOf('/');
  return findPhase(owner.slice(slash + 1)) !== null ? owner.slice(0, Math.max(0, slash)) : owner;
}
