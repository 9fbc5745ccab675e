/** How many seats a level would have used lately: the integral over time, and what is made of it every few seconds. */

/** Decay of the smoothed demand per period; with periods of ten seconds its half-life is five minutes. */
const smoothing = 0.977;

export class Demand {
  highWatermark = 0;
  average = 0;
  deviation = 0;
  smoothed = 0;
  #seats = 0;
  #max = 0;
  #since: number;
  #duration = 0;
  #sum = 0;
  #squares = 0;

  constructor(now: number) {
    this.#since = now;
  }

  /** `now` in milliseconds of any steady clock. */
  set(seats: number, now: number): void {
    if (seats === this.#seats) return;
    this.#integrate(now);
    this.#seats = seats;
    if (seats > this.#max) this.#max = seats;
  }

  /** Ends the period: its figures replace those of the one before, save the smoothed one, which falls slowly and rises at once. */
  period(now: number): void {
    this.#integrate(now);
    this.highWatermark = Math.round(this.#max);
    if (this.#duration > 0) {
      this.average = this.#sum / this.#duration;
      const variance = this.#squares / this.#duration - this.average * this.average;
      this.deviation = variance > 0 ? Math.sqrt(variance) : 0;
      const envelope = this.average + this.deviation;
      this.smoothed = Math.max(envelope, smoothing * this.smoothed + (1 - smoothing) * envelope);
    }
    this.#max = this.#seats;
    this.#duration = this.#sum = this.#squares = 0;
  }

  #integrate(now: number): void {
    const elapsed = now - this.#since;
    if (elapsed <= 0) return;
    this.#since = now;
    this.#duration += elapsed;
    this.#sum += elapsed * this.#seats;
    this.#squares += elapsed * this.#seats * this.#seats;
  }
}
