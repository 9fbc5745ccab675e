/** Kubernetes protobuf, `application/vnd.kubernetes.protobuf`: messages, their envelope, and watch frames. */

export { decodeEnvelope, type Envelope, encodeEnvelope, encodeWatchFrame, isEnvelope, wrapEncoded, wrapping } from './envelope.ts';
export { decodeProtobuf } from './protodecode.ts';
export { encodeProtobuf } from './protoencode.ts';
