/** The declaration of CSIDriver; its rules are in `csidriver/`. */

import { semanticEqual } from '../../../apimachinery/equality.ts';
import { ageColumn, nameColumn, textColumn } from '../../columns.ts';
import type { Column } from '../../kind.ts';
import { allVerbs, defineKind } from '../../kind.ts';
import { validateCsiDriver, validateCsiDriverUpdate } from './csidriver/validation.ts';
import type { CSIDriver } from './types.gen.ts';

const tokenAdvice =
  'spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible logging of tokens in volume attributes';

const flagColumn = (name: string, value: (driver: CSIDriver) => boolean): Column<CSIDriver> => ({ name, type: 'boolean', value });

export const csidrivers = defineKind<CSIDriver>({
  group: 'storage.k8s.io',
  version: 'v1',
  kind: 'CSIDriver',
  plural: 'csidrivers',
  singular: 'csidriver',
  namespaced: false,
  verbs: allVerbs,
  schema: 'io.k8s.api.storage.v1.CSIDriver',
  returnsDeletedObject: true,
  allowUnconditionalUpdate: false,
  setDefaults(driver) {
    driver.spec ??= {};
    const { spec } = driver;
    spec.attachRequired ??= true;
    spec.podInfoOnMount ??= false;
    spec.storageCapacity ??= false;
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType';
    if ((spec.volumeLifecycleModes?.length ?? 0) === 0) spec.volumeLifecycleModes = ['Persistent'];
    spec.requiresRepublish ??= false;
    spec.seLinuxMount ??= false;
  },
  // Alpha upstream, and off.
  prepareForCreate({ spec }) {
    delete spec?.preventPodSchedulingIfMissing;
  },
  prepareForUpdate(driver, old) {
    if (old.spec?.preventPodSchedulingIfMissing === undefined) delete driver.spec?.preventPodSchedulingIfMissing;
    // Counted from the first change on, not from the creation.
    if (!semanticEqual(driver.spec, old.spec)) driver.metadata.generation = (old.metadata.generation ?? 0) + 1;
  },
  validate: validateCsiDriver,
  validateUpdate: validateCsiDriverUpdate,
  warnings({ spec }, old) {
    const requests = spec?.tokenRequests ?? [];
    if (requests.length === 0 || spec?.serviceAccountTokenInSecrets !== undefined || semanticEqual(requests, old?.spec?.tokenRequests)) return [];
    return [tokenAdvice];
  },
  columns: [
    nameColumn,
    flagColumn('AttachRequired', ({ spec }) => spec?.attachRequired ?? true),
    flagColumn('PodInfoOnMount', ({ spec }) => spec?.podInfoOnMount ?? false),
    flagColumn('StorageCapacity', ({ spec }) => spec?.storageCapacity ?? false),
    textColumn('TokenRequests', ({ spec }) => spec?.tokenRequests?.map(({ audience }) => audience).join(',') ?? '<unset>'),
    flagColumn('RequiresRepublish', ({ spec }) => spec?.requiresRepublish ?? false),
    textColumn('Modes', ({ spec }) => (spec?.volumeLifecycleModes ?? []).join(',') || '<none>'),
    ageColumn,
  ],
});
