import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdictsOf } from './junit.ts';
import { conformancePage } from './report.ts';

const junit = `<testsuites><testsuite>
  <testcase name="[SynchronizedBeforeSuite]" status="passed" time="1"></testcase>
  <testcase name="[It] [sig-apps] Job should run [Conformance] [sig-apps, Conformance]" status="passed" time="1"></testcase>
  <testcase name="[It] [sig-node] Pods should &lt;be&gt; &#34;updated&#34; [NodeConformance] [Conformance]" status="timedout" time="1"><failure>x</failure></testcase>
  <testcase name="[It] [sig-node] Pods not run [Conformance]" status="skipped" time="0"></testcase>
  <testcase name="[It] [sig-node] Mounts [NodeConformance] on [LinuxOnly] [sig-node, NodeConformance]" status="failed" time="0"></testcase>
  <testcase name="[It] [sig-cli] Kubectl  works [sig-cli]" status="passed" time="0"></testcase>
  <testcase name="[It] [sig-storage] Local one [sig-storage]" status="failed" time="0"></testcase>
  <testcase name="[It] [sig-storage] Local two [sig-storage]" status="failed" time="0"></testcase>
</testsuite></testsuites>`;

test('verdicts are read by code name; what was skipped did not run', () => {
  assert.deepEqual(
    [...verdictsOf(junit)],
    [
      ['[sig-apps] Job should run [Conformance]', 'passed'],
      ['[sig-node] Pods should <be> "updated" [NodeConformance] [Conformance]', 'failed'],
      ['[sig-node] Mounts [NodeConformance] on [LinuxOnly]', 'failed'],
      ['[sig-cli] Kubectl works', 'passed'],
      ['[sig-storage] Local one', 'failed'],
      ['[sig-storage] Local two', 'failed'],
    ],
  );
});

test('the page counts by SIG and names every failure with its cause', () => {
  const failure = '[sig-node] Pods should <be> "updated" [NodeConformance] [Conformance]';
  const names = ['[sig-apps] Job should run [Conformance]', failure, '[sig-node] Pods not run [Conformance]'];
  const page = conformancePage({ names, verdicts: verdictsOf(junit), causes: { [failure]: 'because', '[sig-storage] Local *': 'no disk' } });
  assert.match(page, /\| sig-node \| 2 \| 0 \| 1 \| 1 \|/);
  assert.match(page, /\| \*\*all\*\* \| 3 \| 1 \| 1 \| 1 \|/);
  assert.ok(page.includes(`- \`${failure}\`: because`));
  const beyond = page.slice(page.indexOf('## Beyond conformance'));
  assert.match(beyond, /\| sig-cli \| 1 \| 1 \| 0 \|/);
  assert.match(beyond, /\| of them `\[NodeConformance\]` \| 1 \| 0 \| 1 \|/);
  assert.ok(beyond.includes('- `[sig-storage] Local *` (2): no disk\n'));
  assert.ok(beyond.includes('- `[sig-node] Mounts [NodeConformance] on [LinuxOnly]`: not looked into yet'));
});
