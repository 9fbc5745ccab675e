/** Asking one webhook: the review that it is sent, and what its answer must look like. */

import { randomUUID } from 'node:crypto';
import type { MutatingWebhook, ValidatingWebhook } from '../../../api/admissionregistration/v1/types.gen.ts';
import { structOfKind } from '../../../api/schema.ts';
import type { Status } from '../../../apimachinery/errors.ts';
import type { KubeObject } from '../../../apimachinery/meta.ts';
import { withNulls } from '../../../apimachinery/nil.ts';
import type { AdmissionAttributes } from '../../contracts.ts';
import { webhookCalls } from '../../nonresource/requestmetrics.ts';
import { admissionRequest } from '../matching/request.ts';
import type { VersionedRequest } from '../matching/versions.ts';
import type { WebhookTransport } from './call.ts';
import { dryRunUnsupported, WebhookCallError } from './errors.ts';

export type Webhook = ValidatingWebhook | MutatingWebhook;

interface ReviewResponse {
  uid?: string;
  allowed?: boolean;
  status?: Partial<Status>;
  patch?: string;
  patchType?: string;
  warnings?: string[];
  auditAnnotations?: Record<string, string>;
}

export interface Verdict {
  allowed: boolean;
  status?: Partial<Status>;
  /** Operations of a JSON patch. */
  patch?: unknown[];
}

const group = 'admission.k8s.io';
const supported: readonly string[] = ['v1', 'v1beta1'];
const defaultSeconds = 10;

function checkDryRun({ name, sideEffects }: Webhook, { dryRun }: AdmissionAttributes): void {
  if (dryRun && sideEffects !== 'None' && sideEffects !== 'NoneOnDryRun') throw dryRunUnsupported(name);
}

/** What is wrong with the answer. */
function problem(
  answer: { apiVersion?: string; kind?: string },
  response: ReviewResponse,
  uid: string,
  version: string,
  mutating: boolean,
): string | undefined {
  if (version !== 'v1') return undefined;
  if (response.uid !== uid) return `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`;
  const [givenGroup = '', givenVersion = ''] = (answer.apiVersion ?? '').split('/', 2);
  const shown = `${givenGroup}/${givenVersion}, Kind=${answer.kind ?? ''}`;
  if (shown !== `${group}/v1, Kind=AdmissionReview`) return `expected webhook response of ${group}/v1, Kind=AdmissionReview, got ${shown}`;
  if (!mutating) {
    if (response.patch) return 'validating webhook may not return response.patch';
    return response.patchType !== undefined ? 'validating webhook may not return response.patchType' : undefined;
  }
  if (response.patch && response.patchType === undefined) return 'webhook returned response.patch but not response.patchType';
  if (!response.patch && response.patchType !== undefined) return 'webhook returned response.patchType but not response.patch';
  return response.patchType === '' ? 'webhook returned invalid response.patchType of ""' : undefined;
}

function patchOf(webhook: Webhook, { patch, patchType = 'JSONPatch' }: ReviewResponse): unknown[] | undefined {
  if (!patch) return undefined;
  if (patchType !== 'JSONPatch') throw new WebhookCallError(webhook.name, `unsupported patch type ${JSON.stringify(patchType)}`);
  try {
    const operations: unknown = JSON.parse(Buffer.from(patch, 'base64').toString('utf8'));
    if (Array.isArray(operations)) return operations.length > 0 ? operations : undefined;
  } catch (error) {
    throw new WebhookCallError(webhook.name, `received undecodable patch in webhook response: ${(error as Error).message}`, { cause: error });
  }
  throw new WebhookCallError(webhook.name, 'received undecodable patch in webhook response: it is no list of operations');
}

function asSent(object: KubeObject | undefined): KubeObject | null {
  if (!object) return null;
  const struct = structOfKind(object.apiVersion ?? '', object.kind ?? '');
  return struct ? withNulls(struct, object) : object;
}

/** @throws {WebhookCallError} when there is no valid answer, or 400 when the webhook knows no dry run */
export async function askWebhook(
  transport: WebhookTransport,
  webhook: Webhook,
  attributes: AdmissionAttributes,
  versioned: VersionedRequest,
  requested: VersionedRequest,
  mutating: boolean,
): Promise<Verdict> {
  checkDryRun(webhook, attributes);
  const uid = randomUUID();
  const version = webhook.admissionReviewVersions.find((one) => supported.includes(one));
  if (version === undefined)
    throw new WebhookCallError(webhook.name, 'could not create admission objects: webhook does not accept known AdmissionReview versions (v1, v1beta1)');
  const { object, oldObject } = versioned;
  const request = { uid, ...admissionRequest(attributes, versioned, requested), object: asSent(object), oldObject: asSent(oldObject) };
  const started = performance.now();
  let rejected = true;
  try {
    let answer: { apiVersion?: string; kind?: string; response?: ReviewResponse };
    try {
      const body = { kind: 'AdmissionReview', apiVersion: `${group}/${version}`, request };
      answer = (await transport.post(webhook.clientConfig, body, webhook.timeoutSeconds ?? defaultSeconds)) as typeof answer;
    } catch (error) {
      throw new WebhookCallError(webhook.name, `failed to call webhook: ${(error as Error).message}`, { cause: error });
    }
    const { response } = answer ?? {};
    const wrong = response ? problem(answer, response, uid, version, mutating) : 'webhook response was absent';
    if (!response || wrong !== undefined) throw new WebhookCallError(webhook.name, `received invalid webhook response: ${wrong}`);
    for (const [key, value] of Object.entries(response.auditAnnotations ?? {})) attributes.annotate(`${webhook.name}/${key}`, value);
    for (const warning of response.warnings ?? []) attributes.warn(warning);
    const patch = mutating && response.allowed ? patchOf(webhook, response) : undefined;
    rejected = !response.allowed;
    return { allowed: response.allowed ?? false, ...(response.status ? { status: response.status } : {}), ...(patch ? { patch } : {}) };
  } finally {
    webhookCalls.observe((performance.now() - started) / 1000, webhook.name, attributes.operation, String(rejected), mutating ? 'admit' : 'validating');
  }
}
