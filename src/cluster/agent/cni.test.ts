import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { removeTornResults } from './cni.ts';

test('what CNI half wrote before the machine started goes, and nothing else', () => {
  const directory = mkdtempSync(join(tmpdir(), 'cni-'));
  try {
    for (const [name, text, at] of [
      ['knarr-old-eth0', '', 1],
      ['cni-loopback-old-lo', '{', 1],
      ['knarr-whole-eth0', '{"kind":"cniCacheV1"}', 1],
      ['knarr-new-eth0', '', 3],
      ['other-old-eth0', '', 1],
    ] as const) {
      writeFileSync(join(directory, name), text);
      utimesSync(join(directory, name), at, at);
    }
    removeTornResults(directory, 2_000);
    assert.deepEqual(readdirSync(directory).sort(), ['knarr-new-eth0', 'knarr-whole-eth0', 'other-old-eth0']);
    removeTornResults(join(directory, 'none'));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
