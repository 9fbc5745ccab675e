import type { SchemaConfig } from './config.ts';
import { dealHand, flowHash } from './dealer.ts';
import type { PriorityLevel } from './levels.ts';
import type { FlowCounts } from './metrics.ts';

const mostHands = 10_000;
const noHand: readonly number[] = [];

/** A schema with the level that it sends its requests to, and what is remembered of its flows. */
export class Flow {
  readonly config: SchemaConfig;
  readonly level: PriorityLevel<Flow>;
  readonly counts: FlowCounts;
  readonly uid: string;
  readonly levelUid: string;
  readonly #hands = new Map<string, readonly number[]>();

  constructor(config: SchemaConfig, level: PriorityLevel<Flow>, counts: FlowCounts) {
    this.config = config;
    this.level = level;
    this.counts = counts;
    this.uid = config.uid;
    this.levelUid = level.config.uid;
  }

  /** The queues for a flow of this schema; empty where the level has none. */
  handOf(distinguisher: string): readonly number[] {
    const { queuing } = this.level.config;
    if (!queuing) return noHand;
    let hand = this.#hands.get(distinguisher);
    if (!hand) {
      if (this.#hands.size >= mostHands) this.#hands.clear();
      hand = dealHand(flowHash(this.config.name, distinguisher), queuing.queues, queuing.handSize);
      this.#hands.set(distinguisher, hand);
    }
    return hand;
  }
}
