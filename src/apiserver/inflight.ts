/** Requests that are being answered, so that a server that stops can finish them. Watches count until they have begun. */

export class InFlight {
  #count = 0;
  #idle: (() => void)[] = [];

  begin(): void {
    this.#count++;
  }

  end(): void {
    this.#count--;
    if (this.#count > 0 || this.#idle.length === 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Resolves when nothing is under way, at the latest after so many milliseconds; gives how many are left. */
  async drained(milliseconds: number): Promise<number> {
    if (this.#count === 0) return 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle.push(resolve);
    const timer = setTimeout(resolve, milliseconds);
    await promise;
    clearTimeout(timer);
    return this.#count;
  }
}
