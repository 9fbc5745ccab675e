/** Where knarr's words need not be upstream's: replaced on both sides before they are compared. Each says why. */

export interface Deviation {
  why: string;
  from: RegExp;
  to: string;
}

export const deviations: readonly Deviation[] = [];
