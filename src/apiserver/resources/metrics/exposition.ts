/** Reads the text format of Prometheus, version 0.0.4. */

export interface Sample {
  name: string;
  labels: Readonly<Record<string, string>>;
  value: number;
  /** Milliseconds since the epoch, where the line says when it was measured. */
  timestamp?: number;
}

const line = /^([A-Za-z_:][\w:]*)\s*(?:\{(.*)\})?\s*(\S+)(?:\s+(-?\d+))?\s*$/;
const label = /([A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"/g;
const escaped: Readonly<Record<string, string>> = { n: '\n', '"': '"', '\\': '\\' };

const unescape = (text: string): string => (text.includes('\\') ? text.replace(/\\(.)/g, (whole, character: string) => escaped[character] ?? whole) : text);

/** Every sample with a finite value; comments and lines that are no samples are passed over. */
export function* parseExposition(text: string): Generator<Sample> {
  for (const written of text.split('\n')) {
    if (written === '' || written.startsWith('#')) continue;
    const [, name, labels = '', number, timestamp] = line.exec(written) ?? [];
    const value = Number(number);
    if (name === undefined || !Number.isFinite(value)) continue;
    yield {
      name,
      labels: Object.fromEntries(Array.from(labels.matchAll(label), ([, key = '', of = '']) => [key, unescape(of)])),
      value,
      ...(timestamp === undefined ? {} : { timestamp: Number(timestamp) }),
    };
  }
}
