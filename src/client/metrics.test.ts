/** What clients and queues tell of themselves. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metrics } from '../apimachinery/metrics.ts';
import { createClient } from './rest.ts';
import { createWorkQueue } from './workqueue.ts';

test('a queue that has a name is told of: what came, waits, failed and is worked on', async () => {
  const queue = createWorkQueue({ name: 'tested' });
  for (const key of ['a', 'b', 'a']) queue.add(key);
  assert.equal(await queue.next(), 'a');
  queue.addRateLimited('a');
  const text = metrics.text();
  for (const line of ['workqueue_adds_total{name="tested"} 2', 'workqueue_depth{name="tested"} 1', 'workqueue_retries_total{name="tested"} 1']) {
    assert.ok(text.includes(`\n${line}\n`), line);
  }
  assert.match(text, /\nworkqueue_unfinished_work_seconds\{name="tested"\} (?!0\n)/);
  queue.done('a');
  assert.match(metrics.text(), /\nworkqueue_work_duration_seconds_count\{name="tested"\} 1\n/);
  const over = queue.shutDown();
  await queue.next();
  queue.done('b');
  await over;
});

test('requests are counted by answer, method and server', async () => {
  const client = createClient({
    host: 'tested:1',
    request: async () => ({ status: 200, headers: {}, body: (async function* () {})() }),
    close: async () => {},
  });
  await client.raw('GET', '/version');
  const text = metrics.text();
  assert.match(text, /\nrest_client_requests_total\{code="200",host="tested:1",method="GET"\} 1\n/);
  assert.match(text, /\nrest_client_request_duration_seconds_count\{host="tested:1",verb="GET"\} 1\n/);
});
