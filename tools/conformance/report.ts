/**
 * Makes docs/conformance.md from JUnit reports of upstream's suite:
 *   node tools/conformance/report.ts --suite conformance.yaml REPORT.xml…
 * `conformance.yaml` is upstream's own list of the suite. Of several reports the last that ran a test counts. Tests that are
 * not in the list stand in a section of their own.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { root } from '../run/static.ts';
import { type Verdict, verdictsOf } from './junit.ts';

export interface Report {
  /** Of all tests of the suite. */
  names: readonly string[];
  verdicts: ReadonlyMap<string, Verdict>;
  causes: Readonly<Record<string, string>>;
}

const unexplained = 'not looked into yet';
const sigOf = (name: string): string => /^\[(sig-[a-z-]+)\]/.exec(name)?.[1] ?? 'other';

/** One line for each, or for all that have a cause in common: its name then ends in `*`, and is what their names begin with. */
function failures(names: readonly string[], causes: Report['causes']): string[] {
  const groupOf = (name: string): string => Object.keys(causes).find((key) => key.endsWith('*') && name.startsWith(key.slice(0, -1))) ?? name;
  const groups = Map.groupBy(names, groupOf);
  return [...groups].map(([group, { length }]) => `- \`${group}\`${group.endsWith('*') ? ` (${length})` : ''}: ${causes[group] ?? unexplained}`);
}

/** Tests that are in the reports without being part of the suite. */
function beyond({ names, verdicts, causes }: Report): string[] {
  const conformance = new Set(names);
  const others = [...verdicts].filter(([name]) => !conformance.has(name)).sort(([a], [b]) => (a < b ? -1 : 1));
  if (others.length === 0) return [];
  const row = (title: string, take: (name: string) => boolean): string => {
    const taken = others.filter(([name]) => take(name));
    const passed = taken.filter(([, verdict]) => verdict === 'passed').length;
    return `| ${title} | ${taken.length} | ${passed} | ${taken.length - passed} |`;
  };
  const sigs = [...new Set(others.map(([name]) => sigOf(name)))].sort();
  return [
    '## Beyond conformance',
    '',
    'Other tests of the same program that need no cloud and no alpha feature, as far as they have been run. Those that skip themselves are not counted.',
    '',
    '| SIG | tests run | passed | failed |',
    '| --- | ---: | ---: | ---: |',
    ...sigs.map((sig) => row(sig, (name) => sigOf(name) === sig)),
    row('**all**', () => true),
    row('of them `[NodeConformance]`', (name) => name.includes('[NodeConformance]')),
    '',
    ...failures(
      others.flatMap(([name, verdict]) => (verdict === 'failed' ? name : [])),
      causes,
    ),
    '',
  ];
}

/** The page as Markdown. */
export function conformancePage(report: Report): string {
  const { names, verdicts, causes } = report;
  const sigs = [...new Set(names.map(sigOf))].sort();
  const count = (sig: string | undefined, verdict: Verdict | undefined): number =>
    names.filter((name) => (sig === undefined || sigOf(name) === sig) && verdicts.get(name) === verdict).length;
  const row = (title: string, sig: string | undefined): string =>
    `| ${title} | ${names.filter((name) => sig === undefined || sigOf(name) === sig).length} | ${count(sig, 'passed')} | ${count(sig, 'failed')} | ${count(sig, undefined)} |`;
  const failed = names.filter((name) => verdicts.get(name) === 'failed').sort();
  const absent = names.filter((name) => !verdicts.has(name)).sort();
  return [
    '# Conformance',
    '',
    "Upstream's own conformance suite for Kubernetes 1.36, unmodified, against `knarr up`. Made by `tools/conformance/report.ts` from the suite's JUnit output; of several runs the last of each test counts.",
    '',
    '| SIG | tests | passed | failed | not run |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...sigs.map((sig) => row(sig, sig)),
    row('**all**', undefined),
    '',
    ...(failed.length > 0 ? ['## Failed, and why', '', ...failed.map((name) => `- \`${name}\`: ${causes[name] ?? unexplained}`), ''] : []),
    ...(absent.length > 0 ? ['## Not run', '', ...absent.map((name) => `- \`${name}\`${causes[name] ? `: ${causes[name]}` : ''}`), ''] : []),
    ...beyond(report),
  ].join('\n');
}

function main(): void {
  const { values, positionals } = parseArgs({ options: { suite: { type: 'string' } }, allowPositionals: true });
  if (!values.suite || positionals.length === 0) {
    console.error('usage: node tools/conformance/report.ts --suite conformance.yaml REPORT.xml…');
    process.exit(2);
  }
  const names = (parse(readFileSync(values.suite, 'utf8')) as { codename: string }[]).map(({ codename }) => codename.replaceAll(/\s+/g, ' '));
  const verdicts = new Map(positionals.flatMap((file) => [...verdictsOf(readFileSync(file, 'utf8'))]));
  const causes = (parse(readFileSync(join(root, 'docs/conformance.causes.yaml'), 'utf8')) ?? {}) as Record<string, string>;
  writeFileSync(join(root, 'docs/conformance.md'), conformancePage({ names, verdicts, causes }));
  const passed = names.filter((name) => verdicts.get(name) === 'passed').length;
  console.log(`${passed} of ${names.length} passed, ${names.filter((name) => verdicts.get(name) === 'failed').length} failed`);
}

if (import.meta.main) main();
