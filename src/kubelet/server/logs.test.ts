import assert from 'node:assert/strict';
import { appendFile, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type LogOptions, loggedContainer, logOptions, readLog } from './logs.ts';

const line = (second: number, text: string, stream = 'stdout', tag = 'F') => `2026-01-01T00:00:0${second}.5Z ${stream} ${tag} ${text}\n`;
const content = line(1, 'one') + line(2, 'two', 'stderr') + line(3, 'thr', 'stdout', 'P') + line(3, 'ee') + line(4, 'four');

async function withLog(text: string, body: (path: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'logs-'));
  try {
    await writeFile(join(directory, '0.log'), text);
    await body(join(directory, '0.log'));
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function read(path: string, more: Partial<LogOptions> = {}): Promise<string> {
  let out = '';
  const options: LogOptions = { follow: false, previous: false, timestamps: false, stream: 'All', ...more };
  await readLog(
    { path, running: async () => false },
    options,
    async (chunk) => {
      out += chunk;
    },
    new AbortController().signal,
  );
  return out;
}

test('a log is its text, partial lines joined', () => withLog(content, async (path) => assert.equal(await read(path), 'one\ntwo\nthree\nfour\n')));

test('timestamps stand at the beginning of lines', () =>
  withLog(content, async (path) =>
    assert.equal(await read(path, { timestamps: true, tailLines: 3 }), '2026-01-01T00:00:03.5Z three\n2026-01-01T00:00:04.5Z four\n'),
  ));

test('the last lines', () =>
  withLog(content, async (path) => {
    assert.equal(await read(path, { tailLines: 1 }), 'four\n');
    assert.equal(await read(path, { tailLines: 0 }), '');
    assert.equal(await read(path, { tailLines: 99 }), 'one\ntwo\nthree\nfour\n');
  }));

test('lines that come while the last ones are read are not among them', () =>
  withLog(line(1, 'long '.repeat(30_000)) + line(2, 'last'), async (path) => {
    const texts: string[] = [];
    await readLog(
      { path, running: async () => true },
      { follow: false, previous: false, timestamps: false, stream: 'All', tailLines: 2 },
      async (chunk) => {
        if (texts.push(chunk) === 1) await appendFile(path, line(3, 'late'));
      },
      new AbortController().signal,
    );
    assert.equal(texts.join('').slice(-10), 'long \nlast\n'.slice(-10));
  }));

test('lines since a time, of one stream, up to a limit', () =>
  withLog(content, async (path) => {
    assert.equal(await read(path, { since: Date.parse('2026-01-01T00:00:03Z') }), 'three\nfour\n');
    assert.equal(await read(path, { stream: 'Stderr' }), 'two\n');
    assert.equal(await read(path, { limitBytes: 6 }), 'one\ntw');
  }));

test('a log is followed while its container runs, through rotation, to its end', () =>
  withLog(line(1, 'one'), async (path) => {
    let out = '';
    let running = true;
    const options: LogOptions = { follow: true, previous: false, timestamps: false, stream: 'All' };
    const reading = readLog(
      { path, running: async () => running },
      options,
      async (chunk) => {
        out += chunk;
      },
      new AbortController().signal,
    );
    const until = async (text: string): Promise<void> => {
      while (out !== text) await new Promise((resolve) => setTimeout(resolve, 5));
    };
    await until('one\n');
    await appendFile(path, line(2, 'two'));
    await until('one\ntwo\n');
    await appendFile(path, line(3, 'three'));
    await rename(path, `${path}.20260101-000000`);
    await writeFile(path, line(4, 'four'));
    await until('one\ntwo\nthree\nfour\n');
    running = false;
    await appendFile(path, line(5, 'five'));
    await reading;
    assert.equal(out, 'one\ntwo\nthree\nfour\nfive\n');
  }));

test('options as the API has them', () => {
  const now = Date.parse('2026-01-01T00:01:00Z');
  assert.deepEqual(logOptions(new URLSearchParams('follow=true&sinceSeconds=60&tailLines=5&timestamps=true&limitBytes=10'), now), {
    follow: true,
    previous: false,
    timestamps: true,
    since: now - 60_000,
    tailLines: 5,
    limitBytes: 10,
    stream: 'All',
  });
  assert.throws(() => logOptions(new URLSearchParams('tailLines=-1'), now));
});

test('which container’s log is meant, and why there is none', () => {
  const status = (state: object, lastState: object = {}) => ({
    containerStatuses: [{ name: 'main', image: '', imageID: '', ready: false, restartCount: 0, containerID: 'containerd://now', state, lastState }],
  });
  const ended = { terminated: { exitCode: 1, containerID: 'containerd://before' } };
  assert.equal(loggedContainer('web', status({ running: {} }), 'main', false), 'now');
  assert.equal(loggedContainer('web', status({ running: {} }, ended), 'main', true), 'before');
  assert.equal(loggedContainer('web', status({ waiting: { reason: 'CrashLoopBackOff' } }, ended), 'main', false), 'before');
  assert.throws(() => loggedContainer('web', status({ waiting: { reason: 'ContainerCreating' } }), 'main', false), {
    message: 'container "main" in pod "web" is waiting to start: ContainerCreating',
  });
  assert.throws(() => loggedContainer('web', status({ waiting: { reason: 'ImagePullBackOff' } }), 'main', false), {
    message: 'container "main" in pod "web" is waiting to start: trying and failing to pull image',
  });
  assert.throws(() => loggedContainer('web', status({ running: {} }), 'main', true), {
    message: 'previous terminated container "main" in pod "web" not found',
  });
});
