/** How many requests are served at a time. Those beyond wait in line; when the line is full, they are turned away with 429. */
import { tooManyRequests } from '../apimachinery/errors.ts';
import type { RequestContext } from './context.ts';

export interface FlowControlOptions {
  /** At the same time (upstream: `--max-requests-inflight`, `--max-mutating-requests-inflight`); 0 sets no limit. */
  maxReadOnly?: number;
  maxMutating?: number;
  /** How many may wait for each of the two. */
  queueLength?: number;
  /** Who never waits. */
  exempt?(context: RequestContext): boolean;
  onChange?(kind: 'mutating' | 'readOnly', inFlight: number): void;
}

/** Takes a place, waiting for it when there is none; what it gives frees the place. Fails with 429. */
export type FlowControl = (context: RequestContext) => Promise<() => void> | (() => void);

const readOnlyVerbs = new Set(['get', 'list', 'watch', 'head']);
const nothing = (): void => {};

class Lane {
  readonly #limit: number;
  readonly #queueLength: number;
  readonly #onChange: (inFlight: number) => void;
  #inFlight = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number, queueLength: number, onChange: (inFlight: number) => void) {
    this.#limit = limit;
    this.#queueLength = queueLength;
    this.#onChange = onChange;
  }

  enter(): Promise<() => void> | (() => void) {
    if (this.#limit <= 0) return nothing;
    if (this.#inFlight < this.#limit) {
      this.#onChange(++this.#inFlight);
      return this.#leave;
    }
    if (this.#waiting.length >= this.#queueLength) throw tooManyRequests('Too many requests, please try again later.', 1);
    return new Promise((resolve) => this.#waiting.push(() => resolve(this.#leave)));
  }

  /** The place goes to the next in line, so the count stays. */
  readonly #leave = (): void => {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#onChange(--this.#inFlight);
  };
}

export function createFlowControl(options: FlowControlOptions = {}): FlowControl {
  const { maxReadOnly = 400, maxMutating = 200, queueLength = 5000, exempt } = options;
  const readOnly = new Lane(maxReadOnly, queueLength, (count) => options.onChange?.('readOnly', count));
  const mutating = new Lane(maxMutating, queueLength, (count) => options.onChange?.('mutating', count));
  return (context) => {
    if (exempt?.(context)) return nothing;
    return (readOnlyVerbs.has(context.info.verb) ? readOnly : mutating).enter();
  };
}
