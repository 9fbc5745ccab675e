/** How `up`, `down` and `status` talk to the supervisor: one JSON line each way on a Unix socket that only its user can open. */
import { chmodSync, rmSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import type { ChildStatus } from './child.ts';

export type ControlRequest = { do: 'status' } | { do: 'stop' };

export interface ControlAnswer {
  pid: number;
  children: ChildStatus[];
  /** Why the cluster can't come up, as far as the supervisor knows. */
  problem?: string;
}

export function serveControl(socket: string, answer: (request: ControlRequest) => Promise<ControlAnswer>): Promise<Server> {
  rmSync(socket, { force: true });
  const server = createServer((connection) => {
    connection.on('error', () => connection.destroy());
    connection.once('data', (line) => {
      answer(JSON.parse(line.toString()) as ControlRequest).then(
        (result) => connection.end(`${JSON.stringify(result)}\n`),
        (error: Error) => connection.end(`${JSON.stringify({ error: error.message })}\n`),
      );
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, () => {
      chmodSync(socket, 0o600);
      resolve(server);
    });
  });
}

/** Undefined when no supervisor listens. */
export function askSupervisor(socket: string, request: ControlRequest): Promise<ControlAnswer | undefined> {
  return new Promise((resolve, reject) => {
    const connection = connect(socket);
    const chunks: Buffer[] = [];
    connection.once('error', () => resolve(undefined));
    connection.on('data', (chunk) => chunks.push(chunk));
    connection.once('end', () => {
      try {
        const answer = JSON.parse(Buffer.concat(chunks).toString()) as ControlAnswer & { error?: string };
        if (answer.error) reject(new Error(answer.error));
        else resolve(answer);
      } catch (error) {
        reject(error as Error);
      }
    });
    connection.once('connect', () => connection.write(`${JSON.stringify(request)}\n`));
  });
}
