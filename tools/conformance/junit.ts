/** Reads the verdicts of tests from the JUnit report of upstream's suite. */

export type Verdict = 'passed' | 'failed';

const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
const decode = (text: string): string =>
  text.replaceAll(/&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));/g, (whole, decimal?: string, hex?: string, name?: string) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    if (hex) return String.fromCodePoint(Number.parseInt(hex, 16));
    return (name && entities[name]) ?? whole;
  });

const labelled = '[It] ';

/**
 * Verdicts by code name, of tests that ran. `[It] ` in front and ginkgo's labels behind the name are taken off.
 * A test that was interrupted, timed out or panicked counts as failed.
 */
export function verdictsOf(junit: string): Map<string, Verdict> {
  const verdicts = new Map<string, Verdict>();
  for (const [, attributes = ''] of junit.matchAll(/<testcase ([^>]*)>/g)) {
    const name = decode(/\bname="([^"]*)"/.exec(attributes)?.[1] ?? '');
    const status = /\bstatus="([^"]*)"/.exec(attributes)?.[1] ?? '';
    if (!name.startsWith(labelled) || status === 'skipped' || status === 'pending') continue;
    const codeName = /^\[It\] (.*\[Conformance\])/.exec(name)?.[1] ?? name.slice(labelled.length).replace(/ \[sig-[^[\]]*\]$/, '');
    verdicts.set(codeName.replaceAll(/\s+/g, ' '), status === 'passed' ? 'passed' : 'failed');
  }
  return verdicts;
}
