/**
 * The order of work: tasks of all runs in the order of the plan, those of a later phase only once their run's earlier ones are settled.
 *
 * Hands out, takes back, and knows when nothing is left; does no work itself.
 */

export interface Queued {
  readonly runUuid: string;
  /** Tasks are given in ascending order of phase. */
  readonly phase: number;
}

export class RunQueue<Task extends Queued> {
  /** Those before `#next` have been taken: shifting a long array copies it each time. */
  #ready: Task[] = [];
  #next = 0;
  readonly #held = new Map<string, Task[]>();
  /** Of each run, the tasks that are ready or under way. */
  readonly #open = new Map<string, number>();
  #openTotal = 0;
  #wake: (() => void)[] = [];

  constructor(tasks: readonly Task[]) {
    const firstPhase = new Map<string, number>();
    for (const task of tasks) {
      if (!firstPhase.has(task.runUuid)) firstPhase.set(task.runUuid, task.phase);
      if (task.phase === firstPhase.get(task.runUuid)) this.#release(task);
      else this.#held.set(task.runUuid, [...(this.#held.get(task.runUuid) ?? []), task]);
    }
  }

  /** The next task; waits while one may still come, null when none can. Whoever takes a task settles it. */
  async take(): Promise<Task | null> {
    for (;;) {
      const task = this.#ready[this.#next];
      this.#next += task === undefined ? 0 : 1;
      if (task !== undefined) return task;
      if (this.#openTotal === 0) return null;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Says that a taken task is done; `again` goes to the end of the queue in its place. */
  settle(task: Task, again?: Task): void {
    if (again !== undefined) this.#release(again);
    const open = (this.#open.get(task.runUuid) ?? 0) - 1;
    this.#open.set(task.runUuid, open);
    this.#openTotal -= 1;
    if (open === 0) this.#releaseNextPhase(task.runUuid);
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Takes everything that has not been taken. */
  drain(): Task[] {
    const left = this.#ready.slice(this.#next).concat(...this.#held.values());
    for (const { runUuid } of this.#ready.splice(this.#next)) {
      this.#open.set(runUuid, (this.#open.get(runUuid) ?? 0) - 1);
      this.#openTotal -= 1;
    }
    this.#held.clear();
    return left;
  }

  #releaseNextPhase(runUuid: string): void {
    const [next, ...rest] = this.#held.get(runUuid) ?? [];
    if (next === undefined) return;
    const later = rest.filter(({ phase }) => phase !== next.phase);
    for (const task of [next, ...rest]) if (task.phase === next.phase) this.#release(task);
    this.#held.set(runUuid, later);
  }

  #release(task: Task): void {
    this.#ready.push(task);
    this.#open.set(task.runUuid, (this.#open.get(task.runUuid) ?? 0) + 1);
    this.#openTotal += 1;
  }
}
