/** The parts of a protobufjs JSON descriptor that the generator reads. */
export interface ProtobufField {
  type: string;
  id: number;
  rule?: 'repeated' | string;
  keyType?: string;
}

interface Namespace {
  fields?: Record<string, ProtobufField>;
  nested?: Record<string, Namespace>;
}

export interface Message {
  /** `k8s.io.api.core.v1` */
  package: string;
  name: string;
  fields: Record<string, ProtobufField>;
}

/** Every message by its full name. */
export function messagesOf(descriptor: Namespace): Map<string, Message> {
  const messages = new Map<string, Message>();
  const walk = (namespace: Namespace, path: string): void => {
    for (const [name, entry] of Object.entries(namespace.nested ?? {})) {
      const full = path === '' ? name : `${path}.${name}`;
      if (entry.fields) messages.set(full, { package: path, name, fields: entry.fields });
      walk(entry, full);
    }
  };
  walk(descriptor, '');
  return messages;
}

/** A type as a field names it (relative to its package, or with a leading dot) → the message's full name. */
export function resolveMessage(type: string, from: Message, messages: ReadonlyMap<string, Message>): string {
  if (type.startsWith('.')) return type.slice(1);
  let scope = from.package;
  for (;;) {
    const candidate = scope === '' ? type : `${scope}.${type}`;
    if (messages.has(candidate)) return candidate;
    if (scope === '') throw new Error(`${from.package}.${from.name}: no message ${type}`);
    scope = scope.slice(0, Math.max(0, scope.lastIndexOf('.')));
  }
}

/** `k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSON` → the name of the same type in the OpenAPI document. */
export const openApiNameOf = (message: string): string =>
  message
    .replace(/^k8s\.io\./, 'io.k8s.')
    .replace('.apiextensions_apiserver.', '.apiextensions-apiserver.')
    .replace('.kube_aggregator.', '.kube-aggregator.');
