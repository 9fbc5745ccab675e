/** A server with real authorization and all admission plugins, over a store in memory. Only for tests. */
import { namespaces } from '../../api/core/v1/namespace.ts';
import { serviceaccounts } from '../../api/core/v1/serviceaccount.ts';
import type { Pod } from '../../api/core/v1/types.gen.ts';
import type { Client } from '../../client/client.ts';
import { createInProcessTransport } from '../../client/inprocess.ts';
import { createClient } from '../../client/rest.ts';
import { createAuthorizer } from '../authorization/index.ts';
import { startTestServer, type TestServer } from '../testing/server.ts';
import { type AdmissionDependencies, admissionPlugins } from './index.ts';

export interface AdmissionServer extends TestServer {
  /** A client that acts as that user; `warnings` collects what it is warned of. */
  as(username: string, groups?: string[], warnings?: string[]): Client;
  /** A namespace with its default service account. */
  makeNamespace(name: string, labels?: Record<string, string>): Promise<void>;
}

export async function startAdmissionServer(more: Partial<AdmissionDependencies> = {}): Promise<AdmissionServer> {
  const started = await startTestServer({
    async security({ reader, registry, handle, dial }) {
      const { authorize, guardEscalation, handlers, ready } = await createAuthorizer({ reader });
      await ready;
      return {
        authenticate: async ({ identity }) => identity && { user: identity },
        authorize,
        handlers,
        admission: admissionPlugins({ reader, registry, handle, dial, authorize, guardEscalation, ...more }),
      };
    },
  });
  const { server, client } = started;
  return Object.assign(started, {
    as: (username: string, groups: string[] = ['system:masters'], warnings: string[] = []) =>
      createClient(createInProcessTransport(server.handle, { username, groups: [...groups, 'system:authenticated'] }), {
        onWarning: (text) => warnings.push(text),
      }),
    async makeNamespace(name: string, labels: Record<string, string> = {}) {
      await client.resource(namespaces).create({ metadata: { name, labels }, spec: {} });
      await client.resource(serviceaccounts).create({ metadata: { name: 'default', namespace: name } });
    },
  });
}

/** A pod with one container. */
export const simplePod = (namespace: string, name: string, spec: Partial<Pod['spec']> = {}, metadata: Partial<Pod['metadata']> = {}): Pod => ({
  metadata: { name, namespace, ...metadata },
  spec: { containers: [{ name: 'main', image: 'busybox' }], ...spec },
});
