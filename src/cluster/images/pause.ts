/**
 * The program of a pod sandbox, as a static ELF executable made here: it does nothing, reaps what is re-parented to it
 * (shareProcessNamespace makes it PID 1 of the pod), and leaves at once on SIGTERM or SIGINT.
 * Blocked signals are queued even for PID 1, so one `rt_sigtimedwait` loop is the whole program.
 */

/** x86-64 machine code, instruction by instruction; the signal set that it refers to follows at offset 0x70. */
const x64 = [
  'b8 0e 00 00 00', //          mov eax, 14 (rt_sigprocmask)
  'bf 02 00 00 00', //          mov edi, SIG_SETMASK
  '48 8d 35 5f 00 00 00', //    lea rsi, [all]
  '31 d2', //                   xor edx, edx
  '41 ba 08 00 00 00', //       mov r10d, 8
  '0f 05', //                   syscall
  'b8 80 00 00 00', // wait:    mov eax, 128 (rt_sigtimedwait)
  '48 8d 3d 49 00 00 00', //    lea rdi, [all]
  '31 f6', //                   xor esi, esi
  '31 d2', //                   xor edx, edx
  '41 ba 08 00 00 00', //       mov r10d, 8
  '0f 05', //                   syscall
  '83 f8 0f', //                cmp eax, SIGTERM
  '74 29', //                   je done
  '83 f8 02', //                cmp eax, SIGINT
  '74 24', //                   je done
  '83 f8 11', //                cmp eax, SIGCHLD
  '75 d9', //                   jne wait
  'b8 3d 00 00 00', // reap:    mov eax, 61 (wait4)
  'bf ff ff ff ff', //          mov edi, -1
  '48 63 ff', //                movsxd rdi, edi
  '31 f6', //                   xor esi, esi
  'ba 01 00 00 00', //          mov edx, WNOHANG
  '45 31 d2', //                xor r10d, r10d
  '0f 05', //                   syscall
  '85 c0', //                   test eax, eax
  '7f e3', //                   jg reap
  'eb ba', //                   jmp wait
  'b8 3c 00 00 00', // done:    mov eax, 60 (exit)
  '31 ff', //                   xor edi, edi
  '0f 05', //                   syscall
  '66 0f 1f 44 00 00', //       nop
  'ff ff ff ff ff ff ff ff', // all
];

/** The executable for `architecture` (Node's `process.arch`); undefined where there is none, and a shell has to do. */
export function pauseProgram(architecture: string): Buffer | undefined {
  if (architecture !== 'x64') return undefined;
  const code = Buffer.from(x64.join('').replaceAll(' ', ''), 'hex');
  const base = 0x400000;
  const headers = 64 + 56;
  const elf = Buffer.alloc(headers);
  elf.write('\x7fELF', 0, 'latin1');
  elf.set([2, 1, 1], 4); // 64 bit, little endian, version 1
  elf.writeUInt16LE(2, 16); // executable
  elf.writeUInt16LE(62, 18); // x86-64
  elf.writeUInt32LE(1, 20);
  elf.writeBigUInt64LE(BigInt(base + headers), 24); // entry
  elf.writeBigUInt64LE(64n, 32); // program headers
  elf.writeUInt16LE(64, 52);
  elf.writeUInt16LE(56, 54);
  elf.writeUInt16LE(1, 56);
  elf.writeUInt32LE(1, 64); // PT_LOAD
  elf.writeUInt32LE(5, 68); // read, execute
  elf.writeBigUInt64LE(BigInt(base), 80);
  elf.writeBigUInt64LE(BigInt(base), 88);
  elf.writeBigUInt64LE(BigInt(headers + code.length), 96);
  elf.writeBigUInt64LE(BigInt(headers + code.length), 104);
  elf.writeBigUInt64LE(0x1000n, 112);
  return Buffer.concat([elf, code]);
}
