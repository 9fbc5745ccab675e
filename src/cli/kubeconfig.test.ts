import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ClusterConfig } from '../cluster/config.ts';
import { addContext, removeContext } from './kubeconfig.ts';

test("a context is added to a user's file and taken out of it; the cluster's own file stays as it is", () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'kubeconfig-'));
  try {
    const config = { name: 'default', id: 'a', dataDir, port: 6443 } as ClusterConfig;
    const own = join(dataDir, 'admin.kubeconfig');
    const admin = `clusters: [{name: knarr, cluster: {server: "https://127.0.0.1:6443"}}]\nusers: [{name: admin, user: {}}]\ncontexts: []\n`;
    writeFileSync(own, admin);
    addContext(config, own);
    removeContext(config, own);
    assert.equal(readFileSync(own, 'utf8'), admin);
    const file = join(dataDir, 'config');
    addContext(config, file);
    assert.match(readFileSync(file, 'utf8'), /^current-context: knarr$/m);
    removeContext(config, file);
    assert.doesNotMatch(readFileSync(file, 'utf8'), /name: knarr/);
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
});
