import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { containerdConfig } from './containerd.ts';
import { foundRuntimes, requireRuntime } from './runtimes.ts';

test('runtimes beside runc are handlers of containerd, and any of them may be the default', () => {
  const directory = mkdtempSync(join(tmpdir(), 'runtimes-'));
  try {
    const crun = join(directory, 'crun');
    for (const program of [crun, join(directory, 'containerd-shim-runsc-v1'), join(directory, 'youki')]) writeFileSync(program, '');
    for (const program of [crun, join(directory, 'containerd-shim-runsc-v1')]) chmodSync(program, 0o755);
    const runtimes = foundRuntimes(`/nowhere:${directory}:`);
    assert.deepEqual(runtimes, [
      { name: 'crun', type: 'io.containerd.runc.v2', binary: crun },
      { name: 'runsc', type: 'io.containerd.runsc.v1' },
    ]);
    assert.equal(requireRuntime('crun', runtimes), 'crun');
    assert.throws(() => requireRuntime('kata', runtimes), /'kata' is not among the runtimes of this machine: runc, crun, runsc/);
    for (const version of [
      [1, 6],
      [2, 1],
    ] as [number, number][]) {
      const text = containerdConfig(
        { root: '/r', state: '/s', socket: '/s.sock', cniConfDir: '/c', cgroupDriver: 'systemd', runtimes, defaultRuntime: 'crun' },
        version,
        true,
      );
      assert.match(text, /default_runtime_name = "crun"/);
      assert.match(text, new RegExp(`runtimes\\.crun\\.options\\]\nBinaryName = "${crun}"\nSystemdCgroup = true`));
      assert.match(text, /runtimes\.runsc\]\nruntime_type = "io\.containerd\.runsc\.v1"/);
      assert.match(text, /runtimes\.runc\.options\]\nBinaryName = ""/);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
