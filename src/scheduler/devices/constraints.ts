/** What the devices of a claim must have in common, or must not. */
import type { DeviceAttribute, DeviceConstraint } from '../../api/resource/v1/types.gen.ts';
import type { PoolDevice } from './pools.ts';
import type { Chosen } from './wishes.ts';

const textOf = (attribute: DeviceAttribute | undefined): string | undefined => (attribute ? JSON.stringify(attribute) : undefined);

function attributeOf({ device, driver }: PoolDevice, name: string): DeviceAttribute | undefined {
  const own = name.startsWith(`${driver}/`) ? name.slice(driver.length + 1) : undefined;
  return device.attributes?.[name] ?? (own === undefined ? undefined : device.attributes?.[own]);
}

/** Whether one more device keeps to the constraints of its claim. */
export function keepsTo(constraints: readonly DeviceConstraint[] | undefined, chosen: readonly Chosen[], next: Chosen): boolean {
  return (constraints ?? []).every(({ matchAttribute, distinctAttribute, requests }) => {
    const attribute = matchAttribute ?? distinctAttribute;
    if (!attribute) return true;
    const concerns = ({ wish }: Chosen): boolean =>
      wish.claim === next.wish.claim && (!requests?.length || requests.includes(wish.name) || requests.includes(wish.parent));
    if (!concerns(next)) return true;
    const text = textOf(attributeOf(next.device, attribute));
    if (text === undefined) return false;
    return chosen.filter(concerns).every(({ device }) => (textOf(attributeOf(device, attribute)) === text) === (matchAttribute !== undefined));
  });
}
