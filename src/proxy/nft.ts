/** Hands transactions to the kernel through the `nft` program. */
import { spawn } from 'node:child_process';

/** Rejects with nft's own words; then nothing of the transaction took effect. */
export function applyNft(text: string, program = 'nft'): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, ['-f', '-'], { stdio: ['pipe', 'ignore', 'pipe'] });
    const errors: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`nft: ${Buffer.concat(errors).toString().trim().slice(0, 2000)}`));
    });
    child.stdin.on('error', () => {}); // nft that ends early says why on stderr
    child.stdin.end(text);
  });
}
