/** Virtual resources and subresources with bodies of another kind: decoded here, answered by a registered handler. */
import { structOfKind } from '../../api/schema.ts';
import { invalid } from '../../apimachinery/errors.ts';
import type { KubeObject } from '../../apimachinery/meta.ts';
import { apiVersionOf } from '../../apimachinery/meta.ts';
import { formOf } from '../answer/form.ts';
import { valueReply } from '../answer/reply.ts';
import { decodeBody, readRequestBody } from '../body.ts';
import type { CustomHandler, CustomRequest } from '../contracts.ts';
import type { Reply } from '../exchange.ts';
import { bodyEncoding } from '../negotiation/accept.ts';
import { subresourceOf } from '../registry.ts';
import { runAdmission, shown } from '../storage/admit.ts';
import { admissionAttributes } from '../storage/create.ts';
import { trackFields } from '../storage/fieldmanager.ts';
import { ensureNamespace } from '../storage/metadata.ts';
import { parseWriteOptions } from '../storage/options.ts';
import { strategyContext } from '../storage/types.ts';
import { encodingsOf } from './read.ts';
import type { Target } from './target.ts';
import { writeRequest } from './write.ts';

/** A handler that also sees the request itself and the storage behind it. */
export interface TargetHandler extends Omit<CustomHandler, 'handle'> {
  handle(request: CustomRequest, target: Target): Promise<KubeObject | Success>;
  /** What comes in is not answered with: only a plugin that shows it to others lets somebody see whose its fields are. */
  consumes?: true;
}

/** An answer that is no object: the plain success of an action. */
export interface Success {
  kind: 'Status';
  apiVersion: 'v1';
  metadata: Record<string, never>;
  status: 'Success';
  code: number;
}

export const success = (code: number): Success => ({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code });

/** A `create` on a virtual resource or a custom subresource. */
export async function serveCustom(target: Target, handler: TargetHandler): Promise<Reply> {
  const { context, resource, storage } = target;
  const { info, exchange } = context;
  const form = formOf(context, encodingsOf(resource), false);
  const options = parseWriteOptions(info.query, 'CreateOptions');
  const subresource = info.subresource === '' ? undefined : subresourceOf(resource, info.subresource);
  const of = subresource?.type === 'custom' ? subresource.responseKind : resource.definition;
  const apiVersion = of.group === '' && of.version === '' ? resource.apiVersion : apiVersionOf(of.group, of.version);
  const struct = structOfKind(apiVersion, of.kind) ?? resource.struct;
  const encoding = bodyEncoding(exchange.headers['content-type']);
  const expected = { struct, apiVersion, kind: of.kind, anyVersion: subresource !== undefined };
  const body = await decodeBody(context, encoding, await readRequestBody(context), expected, options.fieldValidation);
  if (resource.definition.namespaced) ensureNamespace(body, info.namespace);
  if (subresource === undefined) resource.definition.setDefaults?.(body);
  else if (subresource.type === 'custom') subresource.setDefaults?.(body);
  context.audit?.requested(body);
  const request = writeRequest(target, options, 'CreateOptions');
  const attributes = admissionAttributes(request, 'CREATE', body, undefined);
  const tracked = handler.consumes ? shown(storage.admission, attributes) : subresource === undefined || struct !== resource.struct;
  if (tracked) trackFields(request, body, undefined, { struct, apiVersion });
  await runAdmission(storage.admission, 'admit', attributes);
  if (subresource === undefined) {
    const errors = resource.definition.validate?.(body, strategyContext(request)) ?? [];
    if (errors.length > 0) throw invalid({ group: of.group, kind: of.kind }, body.metadata.name, errors);
  }
  await runAdmission(storage.admission, 'validate', attributes);
  const answer = await handler.handle(
    {
      user: context.user,
      namespace: info.namespace,
      name: info.name,
      body,
      dryRun: options.dryRun,
      now: context.now,
      warn: context.warn,
      annotate: context.annotate,
    },
    target,
  );
  const { kind = of.kind, apiVersion: version = apiVersion, ...rest } = answer;
  // Reviews have no name, and say none.
  if (rest.metadata?.name === '') rest.metadata = withoutName(rest.metadata as KubeObject['metadata']);
  return valueReply(context, 201, form, { kind, apiVersion: version, ...rest });
}

function withoutName(metadata: KubeObject['metadata']): KubeObject['metadata'] {
  const { name: _name, ...others } = metadata;
  return others as KubeObject['metadata'];
}
