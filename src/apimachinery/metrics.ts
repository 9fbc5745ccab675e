/**
 * Counts of what happens, under upstream's names, in the Prometheus text format. Those of a thread are in one place, as they are of
 * a process upstream: whoever counts declares a metric where it is counted, and whoever serves them asks for the text.
 */

export type Labels = Readonly<Record<string, string>>;
export type MetricType = 'counter' | 'gauge' | 'histogram';

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

/** `verb="GET",code="200"` */
export const labelText = (labels: Labels): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (character) => escapes[character] as string)}"`)
    .join(',');

/** One metric with its samples, each a line without its end; `''` when there are none. */
export function familyText(name: string, type: MetricType, help: string, samples: readonly string[]): string {
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

/** `count` upper bounds, each `factor` times the one before. */
export const exponentialBounds = (first: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => first * factor ** index);

/** More series than this of one metric are forgotten: labels may come from what clients send. */
const mostSeries = 20_000;

abstract class Metric<V> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  protected readonly series = new Map<string, V>();

  constructor(name: string, help: string, labelNames: readonly string[] = []) {
    this.name = name;
    this.help = help;
    this.labelNames = labelNames;
  }

  /** `values` in the order of the names. */
  protected find(values: readonly string[], make: () => V): { key: string; value: V } {
    const key = values.length === 1 ? (values[0] as string) : values.join('\0');
    let value = this.series.get(key);
    if (value === undefined) {
      if (this.series.size >= mostSeries) this.series.clear();
      this.series.set(key, (value = make()));
    }
    return { key, value };
  }

  protected *labelled(): Iterable<[string, V]> {
    for (const [key, value] of this.series) {
      const values = key.split('\0');
      yield [labelText(Object.fromEntries(this.labelNames.map((name, index) => [name, values[index] ?? '']))), value];
    }
  }

  abstract text(): string;
}

class Numbers extends Metric<number> {
  readonly #type: 'counter' | 'gauge';

  constructor(type: 'counter' | 'gauge', name: string, help: string, labelNames?: readonly string[]) {
    super(name, help, labelNames);
    this.#type = type;
    // One without labels is there from the start.
    if (!labelNames?.length) this.series.set('', 0);
  }

  add(by: number, ...values: string[]): void {
    const { key, value } = this.find(values, () => 0);
    this.series.set(key, value + by);
  }

  set(to: number, ...values: string[]): void {
    this.series.set(this.find(values, () => 0).key, to);
  }

  text(): string {
    const lines = Array.from(this.labelled(), ([labels, value]) => `${this.name}${labels === '' ? '' : `{${labels}}`} ${value}`);
    return familyText(this.name, this.#type, this.help, lines);
  }
}

/** Only grows. */
export class Counter extends Numbers {
  constructor(name: string, help: string, labelNames?: readonly string[]) {
    super('counter', name, help, labelNames);
  }
}

/** What is so at the moment. */
export class Gauge extends Numbers {
  constructor(name: string, help: string, labelNames?: readonly string[]) {
    super('gauge', name, help, labelNames);
  }
}

export class Histogram extends Metric<Distribution> {
  readonly #bounds: readonly number[];

  constructor(name: string, help: string, bounds: readonly number[], labelNames?: readonly string[]) {
    super(name, help, labelNames);
    this.#bounds = bounds;
  }

  observe(value: number, ...values: string[]): void {
    this.find(values, () => new Distribution(this.#bounds)).value.observe(value);
  }

  text(): string {
    const lines = Array.from(this.labelled(), ([labels, value]) => value.samples(this.name, labels)).flat();
    return familyText(this.name, 'histogram', this.help, lines);
  }
}

/** What tells of itself when somebody looks. */
export interface MetricSource {
  text(): string;
}

export class MetricsRegistry {
  readonly #sources: MetricSource[] = [];
  readonly #before: (() => void)[] = [];

  add<T extends MetricSource>(source: T): T {
    this.#sources.push(source);
    return source;
  }

  /** Called before each look, by those who know what gauges should show. Gives what ends that. */
  beforeText(refresh: () => void): () => void {
    this.#before.push(refresh);
    return () => void this.#before.splice(this.#before.indexOf(refresh), 1);
  }

  text(): string {
    for (const refresh of this.#before) refresh();
    return this.#sources.map((source) => source.text()).join('');
  }
}

/** Of this thread. */
export const metrics = new MetricsRegistry();
