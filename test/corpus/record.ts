/** `node test/corpus/record.ts --server URL --token-file F [--ca F] [requests/FILE.yaml…]`: asks a server and keeps what it answers. */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { isDualStack, readCorpusFile } from './format.ts';
import { type Answer, type CaseAnswer, Runner } from './runner.ts';
import { httpsSend } from './send.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { server: { type: 'string' }, 'token-file': { type: 'string' }, ca: { type: 'string' } },
});
if (!values.server || !values['token-file']) {
  console.error('usage: node test/corpus/record.ts --server URL --token-file F [--ca F] [requests/FILE.yaml…]');
  process.exit(2);
}
/** Enough for an order of chance between two to show, nearly always. */
const runs = 4;
const { send, close } = httpsSend({
  url: values.server,
  token: readFileSync(values['token-file'], 'utf8').trim(),
  ...(values.ca ? { ca: readFileSync(values.ca, 'utf8') } : {}),
});
const files =
  positionals.length > 0
    ? positionals
    : globSync(join(import.meta.dirname, 'requests/*.yaml'))
        .filter((file) => !isDualStack(file))
        .sort();
let failed = false;
for (const file of files) {
  const { setup, plans } = readCorpusFile(file);
  const asked = new Map<string, CaseAnswer[]>();
  try {
    await new Runner({ send, settle: 300 }).run(setup, plans, (answer) => asked.set(answer.name, [...(asked.get(answer.name) ?? []), answer]), runs);
  } catch (error) {
    console.error(`${basename(file)}: ${(error as Error).message}`);
    failed = true;
    continue;
  }
  const lines = [...asked.values()].map((answers) => JSON.stringify(merged(file, answers)));
  writeFileSync(join(import.meta.dirname, 'answers', basename(file).replace(/\.yaml$/, '.json')), `[\n${lines.join(',\n')}\n]\n`);
  console.log(`${basename(file)}: ${plans.length} cases, ${plans.reduce((sum, plan) => sum + plan.compared.length, 0)} answers`);
}
close();
process.exit(failed ? 1 : 0);

/** The first run's, with a mark where causes come in any order. Tells what else changed from run to run: no test can expect it. */
function merged(file: string, runs: CaseAnswer[]): CaseAnswer {
  const [first, ...others] = runs as [CaseAnswer, ...CaseAnswer[]];
  const answers = first.answers.map((answer, index) => {
    const again = others.map((other) => JSON.stringify(other.answers[index])).find((text) => text !== JSON.stringify(answer));
    if (again === undefined) return answer;
    if (inOrder(JSON.parse(again)) === inOrder(answer)) return { ...answer, anyOrder: true as const };
    console.error(`${basename(file)}: '${first.name}' isn't answered the same each time:\n  ${JSON.stringify(answer)}\n  ${again}`);
    failed = true;
    return answer;
  });
  return { name: first.name, answers };
}

function inOrder({ message, details, ...rest }: Answer): string {
  const causes = ((details?.['causes'] ?? []) as object[]).map((cause) => JSON.stringify(cause)).sort();
  return JSON.stringify([rest, [...(message ?? '')].sort().join(''), { ...details, causes }]);
}
