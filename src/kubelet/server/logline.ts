/** One line of a CRI log: `<time> <stdout|stderr> <F|P> <text>`; P lines are parts of a longer one. */
export interface LogLine {
  time: string;
  stream: string;
  partial: boolean;
  /** With its newline, unless partial. */
  text: string;
}

export function parseLogLine(line: string): LogLine | undefined {
  const first = line.indexOf(' ');
  const second = line.indexOf(' ', first + 1);
  const third = line.indexOf(' ', second + 1);
  if (first < 0 || second < 0 || third < 0) return undefined;
  const partial = line.slice(second + 1, third).split(':')[0] === 'P';
  return { time: line.slice(0, first), stream: line.slice(first + 1, second), partial, text: partial ? line.slice(third + 1) : `${line.slice(third + 1)}\n` };
}
