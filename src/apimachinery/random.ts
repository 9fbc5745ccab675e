/** Random parts of names. Source: apimachinery `util/rand`, apiserver `storage/names`. */
import { randomInt } from 'node:crypto';

/** No vowels and no digits that look like letters, so that no words arise. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** An integer from 0 up to, not including, `limit`. */
export type RandomInt = (limit: number) => number;

/** Characters that are safe in any name. */
export const randomSuffix = (length: number, random: RandomInt = randomInt): string => Array.from({ length }, () => alphabet[random(alphabet.length)]).join('');

/** A name for `generateName: base`: five random characters after it, 63 at most. */
export const generateName = (base: string, random?: RandomInt): string => `${base.slice(0, 58)}${randomSuffix(5, random)}`;

/** Makes any string (a decimal hash, most often) one of {@link randomSuffix}'s alphabet, as `pod-template-hash` is. */
export const safeEncode = (text: string): string => Array.from(text, (character) => alphabet[character.charCodeAt(0) % alphabet.length]).join('');
