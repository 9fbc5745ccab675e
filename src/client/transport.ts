/**
 * How a client reaches an API server. Three transports implement this one interface: in-process, message port, HTTPS.
 * Each goes through the server's whole request pipeline with the component's own identity.
 */

export interface TransportRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path with query, e.g. `/api/v1/namespaces/default/pods?limit=500`. */
  path: string;
  /** Lower-case names. */
  headers?: Record<string, string>;
  body?: Uint8Array;
  /** Ends the request, and with it a watch. */
  signal?: AbortSignal;
}

export interface TransportResponse {
  status: number;
  /** Lower-case names. */
  headers: Record<string, string>;
  /** Chunks in order; a watch's never ends by itself. Must be consumed or the request aborted. */
  body: AsyncIterable<Uint8Array>;
}

export interface Transport {
  /** `127.0.0.1:6443`; absent where there is no network in between. */
  readonly host?: string;
  request(request: TransportRequest): Promise<TransportResponse>;
  close(): Promise<void>;
}

/** The whole body as one buffer. */
export async function readBody(response: TransportResponse): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body) chunks.push(chunk);
  return chunks.length === 1 && Buffer.isBuffer(chunks[0]) ? chunks[0] : Buffer.concat(chunks);
}

/** What an in-process or message-port transport calls: the server's pipeline, as an already known user. Implemented by `apiserver`. */
export type RequestHandler = (request: TransportRequest, identity: { username: string; groups: string[] }) => Promise<TransportResponse>;
