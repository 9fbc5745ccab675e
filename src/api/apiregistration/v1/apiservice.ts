import type { FieldError } from '../../../apimachinery/fieldpath.ts';
import { invalidValue, notSupported, path, required } from '../../../apimachinery/fieldpath.ts';
import { timeOf } from '../../../apimachinery/meta.ts';
import { validateDns1035Label, validatePathSegment, validatePortNumber } from '../../../apimachinery/names.ts';
import { checked, validateDnsSubdomainField } from '../../../apimachinery/validation/common.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { keepMetadata } from '../../metadata.ts';
import type { APIService, APIServiceSpec } from './types.gen.ts';

const at = path('spec');

function validateName({ metadata: { name }, spec }: APIService): FieldError[] {
  const wanted = `${spec.version ?? ''}.${spec.group ?? ''}`;
  if (!name || validatePathSegment(name).length > 0 || name === wanted) return [];
  return [invalidValue(path('metadata', 'name'), name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(wanted)}`)];
}

/** Bytes of base64. */
const bytesOf = (base64: string): number => Math.floor((base64.replace(/=+$/, '').length * 3) / 4);

/** Served by this server itself. */
function validateLocal({ caBundle, insecureSkipTLSVerify }: APIServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (caBundle) errors.push(invalidValue(at.child('caBundle'), `${bytesOf(caBundle)} bytes`, 'local APIServices may not have a caBundle'));
  if (insecureSkipTLSVerify) {
    errors.push(invalidValue(at.child('insecureSkipTLSVerify'), insecureSkipTLSVerify, 'local APIServices may not have insecureSkipTLSVerify'));
  }
  return errors;
}

function validateRemote({ service = {}, caBundle, insecureSkipTLSVerify }: APIServiceSpec): FieldError[] {
  const serviceAt = at.child('service');
  const { namespace, name, port = 0 } = service;
  const errors = [...(namespace ? [] : [required(serviceAt.child('namespace'))]), ...(name ? [] : [required(serviceAt.child('name'))])];
  const wrong = validatePortNumber(port);
  if (wrong.length > 0) errors.push(invalidValue(serviceAt.child('port'), port, `port is not valid: ${wrong.join(', ')}`));
  if (insecureSkipTLSVerify && caBundle) {
    errors.push(invalidValue(at.child('insecureSkipTLSVerify'), insecureSkipTLSVerify, 'may not be true if caBundle is present'));
  }
  return errors;
}

function validateService(apiService: APIService): FieldError[] {
  const { spec } = apiService;
  const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0 } = spec;
  const errors = validateName(apiService);
  if (group === '' && version !== 'v1') errors.push(required(at.child('group'), 'only v1 may have an empty group and it better be legacy kube'));
  if (group !== '') errors.push(...validateDnsSubdomainField(group, at.child('group')));
  errors.push(...checked(version, at.child('version'), validateDns1035Label(version)));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > 20_000) {
    errors.push(invalidValue(at.child('groupPriorityMinimum'), groupPriorityMinimum, 'must be positive and less than 20000'));
  }
  if (versionPriority <= 0 || versionPriority > 1000) {
    errors.push(invalidValue(at.child('versionPriority'), versionPriority, 'must be positive and less than 1000'));
  }
  return [...errors, ...(spec.service ? validateRemote(spec) : validateLocal(spec))];
}

function validateStatus({ status }: APIService): FieldError[] {
  const known = ['True', 'False', 'Unknown'];
  return (status?.conditions ?? []).flatMap((condition, index) =>
    known.includes(condition.status) ? [] : [notSupported(path('status', 'conditions').index(index).child('status'), condition.status, known)],
  );
}

function availableCell({ status }: APIService): string {
  const condition = status?.conditions?.find(({ type }) => type === 'Available');
  if (!condition) return 'Unknown';
  return condition.status !== 'True' && condition.reason ? `${condition.status} (${condition.reason})` : condition.status;
}

export const apiservices = defineKind<APIService>({
  group: 'apiregistration.k8s.io',
  version: 'v1',
  kind: 'APIService',
  plural: 'apiservices',
  singular: 'apiservice',
  categories: ['api-extensions'],
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIService',
  allowUnconditionalUpdate: false,
  validateName: (name) => validatePathSegment(name),
  setDefaults({ spec }) {
    if (spec.service) spec.service.port ??= 443;
  },
  prepareForCreate(apiService, { now }) {
    apiService.status = {};
    if (apiService.spec.service) return;
    const condition = {
      type: 'Available',
      status: 'True',
      reason: 'Local',
      message: 'Local APIServices are always available',
      lastTransitionTime: timeOf(now),
    };
    apiService.status = { conditions: [condition] };
  },
  validate: validateService,
  validateUpdate: validateService,
  columns: [
    nameColumn,
    textColumn('Service', ({ spec: { service } }) => (service ? `${service.namespace}/${service.name}` : 'Local')),
    textColumn('Available', availableCell),
    ageColumn,
  ],
  subresources: {
    status: {
      type: 'object',
      verbs: ['get', 'patch', 'update'],
      resetFields: ['spec', 'metadata'],
      prepareForUpdate: keepMetadata,
      validateUpdate: validateStatus,
    },
  },
});
