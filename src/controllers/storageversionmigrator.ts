/**
 * `storage-version-migrator-controller`: writes every object of a resource anew, unchanged, so that it is stored in the version that is
 * stored now. Off by default, as the API that asks for it is. Source of the rule: KEP-4192.
 */

import type { Condition } from '../api/meta/v1/types.gen.ts';
import { storageversionmigrations } from '../api/storagemigration/v1beta1/storageversionmigration.ts';
import type { StorageVersionMigration } from '../api/storagemigration/v1beta1/types.gen.ts';
import { isConflict, isNotFound, StatusError } from '../apimachinery/errors.ts';
import { apiVersionOf, type KubeObject, keyOf, timeOf } from '../apimachinery/meta.ts';
import type { Client, ResourceClient } from '../client/client.ts';
import { findCondition, withCondition } from './common/conditions.ts';
import { discover, type ServedResource } from './common/discovery.ts';
import { NotYet } from './common/errors.ts';
import { defineController, enqueueSelf } from './controller.ts';

const name = 'storage-version-migrator-controller';
/** A resource that was defined just now may not be served yet. */
const patienceMs = 60_000;
const pageSize = 500;
/** Answers after which the same may succeed: too many requests, timeouts, faults of the server. */
const isPassing = (error: unknown): boolean => !(error instanceof StatusError) || error.code === 429 || error.code >= 500;

const reasons = {
  Running: 'MigrationRunning',
  Succeeded: 'StorageVersionMigrationSucceeded',
  Failed: 'StorageVersionMigrationFailed',
} as const;

const isTrue = ({ status }: StorageVersionMigration, type: keyof typeof reasons): boolean => findCondition(status?.conditions, type)?.status === 'True';

const isServed = (client: Client): Promise<boolean> =>
  client.raw('GET', '/apis/storagemigration.k8s.io/v1beta1').then(
    () => true,
    (error: unknown) => {
      if (isNotFound(error)) return false;
      throw error;
    },
  );

export const storageVersionMigratorController = defineController({
  name,
  offByDefault: true,
  // Two migrations of one resource must not run at once.
  concurrency: 1,
  async setup({ client, informers, now, log }, enqueue) {
    // Waiting for what is not served would hold up every other controller.
    if (!(await isServed(client))) {
      log.warn('the API server does not serve storagemigration.k8s.io/v1beta1: nothing is migrated');
      return { reconcile: async () => {} };
    }
    const migrations = informers.informer(storageversionmigrations);
    const resource = client.resource(storageversionmigrations);
    enqueueSelf(migrations, enqueue, keyOf);

    function report(migration: StorageVersionMigration, type: keyof typeof reasons, message = '', resourceVersion = migration.status?.resourceVersion) {
      const condition: Condition = { type, status: 'True', reason: reasons[type], message, lastTransitionTime: timeOf(now()) };
      const conditions = withCondition(
        (migration.status?.conditions ?? []).map((one) => (type !== 'Running' && one.type === 'Running' ? { ...one, status: 'False' } : one)),
        condition,
      );
      return resource.updateStatus({ ...migration, status: { ...migration.status, conditions, ...(resourceVersion ? { resourceVersion } : {}) } });
    }

    const fail = (migration: StorageVersionMigration, why: string) => report(migration, 'Failed', `migration encountered unhandled error: ${why}`);

    async function served({ spec, metadata }: StorageVersionMigration): Promise<ServedResource | undefined> {
      const { group = '', resource: plural } = spec.resource;
      const { resources } = await discover(client, group);
      const found = resources.find(({ ref, preferred }) => preferred && ref.group === group && ref.plural === plural);
      const age = now().getTime() - Date.parse(metadata.creationTimestamp ?? '');
      if (!found && age < patienceMs) throw new NotYet('resource does not exist in rest mapper, requeuing to attempt again');
      return found;
    }

    /** An apply of nothing: it changes nothing, and what is stored in another version is written. */
    async function rewrite(objects: ResourceClient<KubeObject>, { ref }: ServedResource, { metadata }: KubeObject): Promise<void> {
      const { namespace = '', name: called, uid, resourceVersion } = metadata;
      const patch = { apiVersion: apiVersionOf(ref.group, ref.version), kind: ref.kind, metadata: { uid, resourceVersion } };
      try {
        await objects.patch(namespace, called, 'apply', patch, { fieldManager: name });
      } catch (error) {
        // Changed, replaced or gone meanwhile: whoever did that has written it.
        if (!isConflict(error)) throw error;
      }
    }

    async function migrate(migration: StorageVersionMigration, which: ServedResource, until: bigint): Promise<void> {
      const objects = client.resource<KubeObject>({ ...which.ref, metadataOnly: true });
      let token: string | undefined;
      do {
        const page = await objects.list('', { limit: pageSize, ...(token ? { continue: token } : {}) });
        for (const object of page.items) if (BigInt(object.metadata.resourceVersion ?? '0') <= until) await rewrite(objects, which, object);
        token = page.metadata.continue || undefined;
      } while (token);
      await report(migration, 'Succeeded');
    }

    return {
      async reconcile(key) {
        const migration = migrations.getByKey(key);
        if (!migration || isTrue(migration, 'Succeeded') || isTrue(migration, 'Failed')) return;
        const which = await served(migration);
        if (!which) return void (await fail(migration, 'resource does not exist in discovery'));
        const checkpoint = migration.status?.resourceVersion;
        if (!checkpoint) {
          const { metadata } = await client.resource<KubeObject>({ ...which.ref, metadataOnly: true }).list('', { limit: 1 });
          return void (await report(migration, 'Running', 'The migration is running', metadata.resourceVersion));
        }
        try {
          await migrate(migration, which, BigInt(checkpoint));
        } catch (error) {
          if (isPassing(error) || isConflict(error)) throw error;
          await fail(migration, (error as Error).message);
        }
      },
    };
  },
});
