/** Every request of test/corpus is answered as upstream's own server answers it. CORPUS=core.pod: only files of such a name. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { after, before, test } from 'node:test';
import { differences } from '../corpus/compare.ts';
import { isDualStack, readCorpusFile } from '../corpus/format.ts';
import { type CaseAnswer, Runner } from '../corpus/runner.ts';
import { httpsSend } from '../corpus/send.ts';
import { startTestControlPlane } from '../support/controlplane.ts';

const folder = join(import.meta.dirname, '../corpus');

interface Server extends AsyncDisposable {
  send: ReturnType<typeof httpsSend>['send'];
}

async function startServer(dualStack: boolean): Promise<Server> {
  const cluster = await startTestControlPlane({ dualStack });
  const { ca, leaves } = cluster.pki;
  const { send, close } = httpsSend({ url: cluster.controlPlane.url, ca: ca.certificate, cert: leaves.admin.certificate, key: leaves.admin.key });
  // Upstream's server comes without one.
  await cluster.kubectl(['delete', 'storageclasses', '--all']);
  return {
    send,
    async [Symbol.asyncDispose]() {
      close();
      await cluster[Symbol.asyncDispose]();
    },
  };
}

let usual: Server;
before(async () => {
  usual = await startServer(false);
});
after(() => usual[Symbol.asyncDispose]());

for (const file of globSync(join(folder, 'requests/*.yaml')).sort()) {
  const name = basename(file, '.yaml');
  if (!name.includes(process.env['CORPUS'] ?? '')) continue;
  test(`${name}: as upstream answers`, async () => {
    const recorded = new Map(
      (JSON.parse(readFileSync(join(folder, 'answers', `${name}.json`), 'utf8')) as CaseAnswer[]).map((answer) => [answer.name, answer]),
    );
    const { setup, plans } = readCorpusFile(file);
    assert.deepEqual(
      [...recorded.keys()],
      plans.map((plan) => plan.name),
      'the file changed since it was recorded',
    );
    const found: string[] = [];
    await using other = isDualStack(file) ? await startServer(true) : undefined;
    await new Runner({ send: (other ?? usual).send }).run(setup, plans, (answer) => {
      for (const [index, expected] of (recorded.get(answer.name) as CaseAnswer).answers.entries()) {
        const lines = differences(expected, answer.answers[index] as CaseAnswer['answers'][number]);
        if (lines.length > 0) found.push(`${answer.name}${answer.answers.length > 1 ? `, step ${index + 1}` : ''}:`, ...lines.map((line) => `    ${line}`));
      }
    });
    if (found.length > 0) assert.fail(found.join('\n'));
  });
}
