/**
 * `node:http`, loaded when it is first used. Whoever imports it makes Node load its fetch and WebSocket clients as well,
 * a twentieth of a second for every process and thread, while plain HTTP is seldom spoken here.
 */
import type http from 'node:http';

export const plainHttp = (): typeof http => process.getBuiltinModule('node:http');
