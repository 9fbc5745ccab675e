/**
 * Milliseconds since some moment. The time of day may jump, by hours and backwards, when a machine's clock is set: whoever measures how
 * long something took, or waits for something, uses this one, and the time of day only for what is written down or was read.
 */
export const monotonic = (): number => performance.now();
