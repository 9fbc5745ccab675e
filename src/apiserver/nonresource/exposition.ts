/** The Prometheus text format. */

export type Labels = Readonly<Record<string, string>>;

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/** `verb="GET",code="200"` */
export const labelText = (labels: Labels): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (character) => escapes[character] as string)}"`)
    .join(',');

/** One metric with its samples, each a line without its end; `''` when there are none. */
export function familyText(name: string, type: 'counter' | 'gauge' | 'histogram', help: string, samples: readonly string[]): string {
  return samples.length === 0 ? '' : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.join('\n')}\n`;
}

/** Counts of values by size. Cheap to add to; the text is made when somebody looks. */
export class Distribution {
  readonly #bounds: readonly number[];
  readonly #counts: Uint32Array;
  #sum = 0;
  #count = 0;

  /** `bounds` are upper ones, ascending; values beyond the last are counted too. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Uint32Array(bounds.length);
  }

  get count(): number {
    return this.#count;
  }

  observe(value: number): void {
    this.#sum += value;
    this.#count++;
    for (let index = 0; index < this.#bounds.length; index++) {
      if (value <= (this.#bounds[index] as number)) {
        (this.#counts[index] as number)++;
        return;
      }
    }
  }

  /** Lines of a histogram; `labels` as {@link labelText} gives them. */
  samples(name: string, labels: string): string[] {
    let below = 0;
    const comma = labels === '' ? '' : ',';
    const buckets = this.#bounds.map((bound, index) => {
      below += this.#counts[index] as number;
      return `${name}_bucket{${labels}${comma}le="${bound}"} ${below}`;
    });
    const own = labels === '' ? '' : `{${labels}}`;
    return [...buckets, `${name}_bucket{${labels}${comma}le="+Inf"} ${this.#count}`, `${name}_sum${own} ${this.#sum}`, `${name}_count${own} ${this.#count}`];
  }
}
