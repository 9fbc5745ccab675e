/** Numbers that may be given as a percentage: `maxUnavailable: 25%`. Source: apimachinery `util/intstr`. */

/** The percentage of a string such as `25%`; throws when it is none. */
function percentage(text: string): number {
  if (!text.endsWith('%')) throw new Error('invalid value for IntOrString: invalid type: string is not a percentage');
  if (!/^[+-]?[0-9]+%$/.test(text)) {
    const digits = text.slice(0, -1);
    throw new Error(`invalid value for IntOrString: invalid value ${JSON.stringify(text)}: strconv.Atoi: parsing ${JSON.stringify(digits)}: invalid syntax`);
  }
  return Number(text.slice(0, -1));
}

/** A number as it is, a percentage as its part of `total`, rounded up or down. Throws for any other string. */
export function scaledIntOrPercent(value: number | string, total: number, roundUp: boolean): number {
  if (typeof value === 'number') return value;
  const part = (percentage(value) * total) / 100;
  return (roundUp ? Math.ceil(part) : Math.floor(part)) + 0;
}
