/** A streamed answer as WebSocket messages, for clients that asked for it (browsers): one message per chunk, then the connection ends. */
import type { WebSocketServer } from 'ws';
import type { Exchange, Reply, Sink } from '../exchange.ts';

/** As upstream's reader protocols: bytes as they are, or as base64 text. The empty one is that of clients that name none. */
const protocols = ['binary.k8s.io', 'base64.binary.k8s.io'];
let server: WebSocketServer | undefined;

/** Made when somebody first asks: most servers never load the library. */
async function serverOf(): Promise<WebSocketServer> {
  const { WebSocketServer } = await import('ws');
  server ??= new WebSocketServer({ noServer: true, handleProtocols: (offered) => protocols.find((one) => offered.has(one)) ?? false });
  return server;
}

export const isWebSocketUpgrade = ({ upgrade }: Exchange): boolean => upgrade?.request.headers.upgrade?.toLowerCase() === 'websocket';

/** Takes the connection over when the answer is a stream; any other answer goes back as it is. */
export async function replyOverWebSocket(exchange: Exchange, reply: Reply): Promise<Reply> {
  const { stream } = reply;
  if (!exchange.upgrade || !stream || reply.status !== 200) return reply;
  const { request, socket, head } = exchange.upgrade;
  (await serverOf()).handleUpgrade(request, socket, head, (client) => {
    const base64 = client.protocol === 'base64.binary.k8s.io';
    let closed = false;
    let onDrain: (() => void) | undefined;
    client.once('close', () => {
      closed = true;
    });
    client.on('error', () => client.terminate());
    const sink: Sink = {
      alone: true,
      write(chunk) {
        const message = base64 ? Buffer.from(chunk).toString('base64') : chunk;
        client.send(message, () => {
          if (client.bufferedAmount > 0) return;
          const listener = onDrain;
          onDrain = undefined;
          listener?.();
        });
      },
      end: () => client.close(1000),
      destroy: () => client.terminate(),
      pendingBytes: () => client.bufferedAmount,
      onDrain(listener) {
        onDrain = listener;
      },
      onClose: (listener) => void client.once('close', listener),
      get closed() {
        return closed;
      },
    };
    stream(sink);
  });
  return { status: 101, headers: {}, hijacked: true };
}
