/** All controllers, the scheduler and two simulated nodes, whose clock can be set wrong and whose requests are counted. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { pino } from 'pino';
import { validatingwebhookconfigurations } from '../../../src/api/admissionregistration/v1/validatingwebhookconfiguration.ts';
import { events } from '../../../src/api/core/v1/event.ts';
import { namespaces } from '../../../src/api/core/v1/namespace.ts';
import { serviceaccounts } from '../../../src/api/core/v1/serviceaccount.ts';
import type { Client } from '../../../src/client/client.ts';
import { createInProcessTransport } from '../../../src/client/inprocess.ts';
import { createClient } from '../../../src/client/rest.ts';
import type { Transport } from '../../../src/client/transport.ts';
import { controllers } from '../../../src/controllers/index.ts';
import { runControllers } from '../../../src/controllers/manager.ts';
import { selectControllers } from '../../../src/controllers/selection.ts';
import { defaultLifetime } from '../../../src/simulation/model.ts';
import { defaultResources } from '../../../src/simulation/nodes.ts';
import { startSimulation } from '../../../src/simulation/simulator.ts';
import { startTestControlPlane } from '../../support/controlplane.ts';
import { eventually } from './harness.ts';

interface WebhookAt {
  url: string;
  caBundle?: string;
}

export interface UnhappyCluster extends AsyncDisposable {
  client: Client;
  /** Of the controllers' requests, watches aside: method, path, and who. */
  requests: string[];
  /** Namespaces with an object that is not well, and names of others that are in none. */
  unhappy: Set<string>;
  /** By how much the controllers' clock is wrong from now on. */
  setClock(wrongMs: number): void;
  /** Makes a namespace that is ready for pods, and notes it as unhappy. */
  inNamespace(name: string): Promise<string>;
  /** Waits for an event with this text as a whole, or one that matches. */
  eventOf(namespace: string, reason: string, text: RegExp | string): Promise<void>;
  /** Has the pods of a namespace judged there. */
  webhookFor(namespace: string, clientConfig: WebhookAt): Promise<void>;
  startRejectingWebhook(message: string): Promise<WebhookAt>;
}

export async function startUnhappyCluster(): Promise<UnhappyCluster> {
  const cluster = await startTestControlPlane({ scheduler: true });
  const { ca, leaves } = cluster.pki;
  const log = pino({ level: 'silent' });
  const connect = (username: string): Transport => createInProcessTransport(cluster.controlPlane.server.handle, { username, groups: ['system:masters'] });
  const client = createClient(connect('admin'));
  const requests: string[] = [];
  const unhappy = new Set(['fake-1', 'disk']);
  const webhooks: Server[] = [];
  let wrongMs = 0;

  function counted(identity: string): Client {
    const transport = connect(identity);
    return createClient({
      request(request) {
        if (!request.path.includes('watch=')) requests.push(`${identity}: ${request.method} ${request.path}`);
        return transport.request(request);
      },
      close: () => transport.close(),
    });
  }

  const manager = runControllers({
    definitions: selectControllers(['*'], controllers),
    client: counted('manager'),
    clientFor: counted,
    settings: {},
    log,
    now: () => new Date(Date.now() + wrongMs),
  });
  const lifetime = { ...defaultLifetime, jobRunTimeMs: 3_600_000 };
  const shape = { resources: defaultResources, taint: false };
  const [simulation] = await Promise.all([startSimulation({ transport: connect('simulation'), nodes: 2, shape, lifetime, log }), manager.ready]);

  return {
    client,
    requests,
    unhappy,
    setClock: (by) => void (wrongMs = by),
    async inNamespace(name) {
      unhappy.add(name);
      await client.resource(namespaces).create({ metadata: { name }, spec: {} });
      const account = () => client.resource(serviceaccounts).get(name, 'default');
      await eventually(() => account().catch(() => undefined), `the account of ${name}`);
      return name;
    },
    async eventOf(namespace, reason, text) {
      let seen: string[] = [];
      const fits = (message: string): boolean => (typeof text === 'string' ? message === text : text.test(message));
      await eventually(async () => {
        const { items } = await client.resource(events).list(namespace);
        seen = items.filter((event) => event.reason === reason).map(({ message = '' }) => message);
        return seen.some(fits);
      }, `event ${reason} in ${namespace}`).catch((error: unknown) => {
        throw new Error(`${(error as Error).message}: there are ${JSON.stringify(seen)}`, { cause: error });
      });
    },
    async webhookFor(namespace, clientConfig) {
      const webhook = {
        name: 'no.example.com',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Fail',
        clientConfig,
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      };
      await client.resource(validatingwebhookconfigurations).create({ metadata: { name: namespace }, webhooks: [webhook] });
    },
    async startRejectingWebhook(message) {
      const server = createServer({ cert: leaves.apiserver.certificate, key: leaves.apiserver.key }, async (request, response) => {
        const { uid } = ((await json(request)) as { request: { uid: string } }).request;
        const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: { uid, allowed: false, status: { message } } };
        response.setHeader('content-type', 'application/json').end(JSON.stringify(review));
      });
      webhooks.push(server);
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/`, caBundle: Buffer.from(ca.certificate).toString('base64') };
    },
    async [Symbol.asyncDispose]() {
      await simulation.stop();
      await manager.stop();
      await client.close();
      await cluster[Symbol.asyncDispose]();
      for (const server of webhooks) {
        server.close();
        server.closeAllConnections();
      }
    },
  };
}
