/** The text format of Prometheus. */
export interface Sample {
  labels: Readonly<Record<string, string>>;
  value: number;
  /** Milliseconds since the epoch, when the value was read. */
  at?: number;
}

const escapeLabel = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/** As upstream writes it: labels by name, and nothing of a metric that nobody has. */
export function family(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const lines = samples.map(({ labels, value, at }) => {
    const pairs = Object.entries(labels)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, text]) => `${key}="${escapeLabel(text)}"`);
    return `${name}${pairs.length ? `{${pairs.join(',')}}` : ''} ${value}${at === undefined ? '' : ` ${at}`}`;
  });
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines, ''].join('\n');
}

export const one = (value: number, labels: Readonly<Record<string, string>> = {}, at?: number): Sample[] => [
  { labels, value, ...(at === undefined ? {} : { at }) },
];
