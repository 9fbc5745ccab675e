/** Acts as the nodes: one connection of somebody who may impersonate, and for every node a client with its name. */
import type { Client } from '../client/client.ts';
import { createClient } from '../client/rest.ts';
import type { Transport } from '../client/transport.ts';

/** A client whose requests count as `system:node:<node>`'s. Closing it leaves the transport open. */
export const clientOfNode = (transport: Transport, node: string): Client =>
  createClient(
    {
      request: (request) =>
        transport.request({
          ...request,
          headers: { ...request.headers, 'impersonate-user': `system:node:${node}`, 'impersonate-group': 'system:nodes' },
        }),
      close: async () => {},
    },
    { userAgent: 'knarr-simulation' },
  );
