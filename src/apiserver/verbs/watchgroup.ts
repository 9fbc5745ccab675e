/**
 * Watches that show the same. What a change is to them is decided once, encoded once, and what a turn of the event loop brings goes
 * to each connection as one write of the same bytes: a thousand watchers cost a thousand writes a turn, however much happens in it.
 */
import type { Form } from '../answer/represent.ts';
import type { CacheEvent } from '../cacher/cacher.ts';
import type { EventListener } from '../cacher/resource-cache.ts';
import type { Resource } from '../registry.ts';
import type { Selection } from '../storage/selection.ts';
import { changeFor, frameKeyOf, sharedFrame } from './watchframes.ts';

export interface GroupMember {
  /** Frames, whole ones. */
  take(bytes: Uint8Array): void;
}

/** What the watches of a group have in common, besides their resource. */
export interface Shown {
  form: Form;
  selection: Selection;
  /** The selectors as they were given. */
  selectors: string;
  /** Of its objects alone; `''`: of all. */
  namespace: string;
}

const groupsOf = new WeakMap<Resource, Map<string, WatchGroup>>();

export class WatchGroup implements EventListener {
  readonly #resource: Resource;
  readonly #shown: Shown;
  readonly #key: string;
  readonly #frameKey: string;
  readonly #members = new Set<GroupMember>();
  #pending: Uint8Array[] = [];

  private constructor(resource: Resource, shown: Shown, key: string) {
    this.#resource = resource;
    this.#shown = shown;
    this.#key = key;
    this.#frameKey = frameKeyOf(resource, shown.form);
  }

  /** From the next change on, the member hears of all. */
  static join(resource: Resource, shown: Shown, member: GroupMember): WatchGroup {
    let groups = groupsOf.get(resource);
    if (!groups) groupsOf.set(resource, (groups = new Map()));
    const key = `${frameKeyOf(resource, shown.form)} ${shown.namespace} ${shown.selectors}`;
    let group = groups.get(key);
    if (!group) groups.set(key, (group = new WatchGroup(resource, shown, key)));
    // What has happened already is not news to it.
    group.flush();
    if (group.#members.size === 0) resource.stored.cache.hearers.add(group);
    group.#members.add(member);
    return group;
  }

  leave(member: GroupMember): void {
    if (!this.#members.delete(member) || this.#members.size > 0) return;
    this.#resource.stored.cache.hearers.delete(this);
    groupsOf.get(this.#resource)?.delete(this.#key);
  }

  event(event: CacheEvent): void {
    const { form, selection, namespace } = this.#shown;
    if (namespace !== '' && event.entry.namespace !== namespace) return;
    const change = changeFor(selection, event);
    if (!change) return;
    if (this.#pending.length === 0) process.nextTick(() => this.flush());
    this.#pending.push(sharedFrame(this.#resource, form, this.#frameKey, change, event));
  }

  /** Hands out what waits for the end of the turn. */
  flush(): void {
    const pending = this.#pending;
    if (pending.length === 0) return;
    this.#pending = [];
    const bytes = pending.length === 1 ? (pending[0] as Uint8Array) : Buffer.concat(pending);
    for (const member of this.#members) member.take(bytes);
  }
}
