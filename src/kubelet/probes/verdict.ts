/** The state of one probe of one container: thresholds, and what it counts as before the first answer. A pure state machine. */
export type ProbeType = 'liveness' | 'readiness' | 'startup';
export type Verdict = 'success' | 'failure' | 'unknown';

export interface ProbeState {
  verdict: Verdict;
  /** The last answer, and how many in a row were like it. */
  last: Verdict | undefined;
  run: number;
  /** No more probing of this container: it is going to be restarted. */
  onHold: boolean;
}

/** A container is alive until shown otherwise, and not ready until shown so. */
export const initialState = (type: ProbeType): ProbeState => ({
  verdict: type === 'liveness' ? 'success' : type === 'readiness' ? 'failure' : 'unknown',
  last: undefined,
  run: 0,
  onHold: false,
});

export function nextState(
  type: ProbeType,
  state: ProbeState,
  answer: Exclude<Verdict, 'unknown'>,
  thresholds: { success: number; failure: number },
): ProbeState {
  const run = state.last === answer ? state.run + 1 : 1;
  const enough = run >= (answer === 'success' ? thresholds.success : thresholds.failure);
  if (!enough) return { ...state, last: answer, run };
  const fatal = answer === 'failure' && type !== 'readiness';
  return { verdict: answer, last: answer, run: fatal ? 0 : run, onHold: fatal };
}
