/** Shuffle sharding: each flow has a hand of queues of its own, so that few flows share all of them. */
import { createHash } from 'node:crypto';

/** 64 bits that stand for a flow, the same on every server. */
export function flowHash(schema: string, distinguisher: string): bigint {
  return createHash('sha256').update(schema).update('\0').update(distinguisher).digest().readBigUInt64LE();
}

/** `handSize` different numbers below `deckSize`, drawn with `hash` as the only source of entropy. */
export function dealHand(hash: bigint, deckSize: number, handSize: number): number[] {
  const hand: number[] = [];
  const drawn: number[] = [];
  let rest = hash;
  for (let index = 0; index < handSize; index++) {
    const left = BigInt(deckSize - index);
    let card = Number(rest % left);
    rest /= left;
    // The draw is among the cards that are left: those already dealt are stepped over, the latest first.
    const remainder = card;
    for (let before = index - 1; before >= 0; before--) if (card >= (drawn[before] as number)) card++;
    drawn.push(remainder);
    hand.push(card);
  }
  return hand;
}
