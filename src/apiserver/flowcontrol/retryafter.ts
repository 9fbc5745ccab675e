/** After how many seconds those who are turned away may come back: more while many are turned away, as TCP backs off. */

const longest = 32;

export class RetryAfter {
  seconds = 1;
  #second = 0;
  #count = 0;
  /** Of seconds before the current one. */
  #history: { second: number; count: number }[] = [];
  #raised = 0;

  /** Counts one that is turned away; `second` is the time in whole seconds. Gives what it is told. */
  dropped(second: number): number {
    if (second === this.#second) this.#count++;
    else {
      if (this.#count > 0) this.#history.push({ second: this.#second, count: this.#count });
      this.#history = this.#history.filter((one) => second - one.second <= longest);
      this.#second = second;
      this.#count = 1;
      this.#adjust(second);
    }
    return this.seconds;
  }

  /** Doubled when three a second were turned away since the last time, one less when fewer than one a second were. */
  #adjust(now: number): void {
    let dropped = 0;
    for (const { second, count } of this.#history) if (now - second <= this.seconds) dropped += count;
    if (now - this.#raised >= this.seconds && dropped >= 3 * this.seconds) {
      this.seconds = Math.min(longest, this.seconds * 2);
      this.#raised = now;
    } else if (dropped < this.seconds && this.seconds > 1) this.seconds--;
  }
}
