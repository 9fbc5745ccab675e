/** Where knarr's words need not be upstream's: replaced on both sides before they are compared. Each says why. */

export interface Deviation {
  why: string;
  from: RegExp;
  to: string;
}

export const deviations: readonly Deviation[] = [
  {
    why: "The recorded server was a build with a distribution's own certificates in the token volume.",
    from: /,\{"configMap":\{"name":"openshift-service-ca\.crt","items":\[\{"key":"service-ca\.crt","path":"service-ca\.crt"\}\]\}\}/g,
    to: '',
  },
  {
    why: 'Descriptions of table columns are the text of API documentation, which is not kept in this repository; no client shows them.',
    from: /(\{"name":"[^"]*","type":"[a-z]+","format":"[a-z]*","description":)"(?:[^"\\]|\\.)*"/g,
    to: '$1""',
  },
  {
    why: "Where the store keeps an object is the server's own business.",
    from: /(StorageError: invalid object, Code: \d, Key: )\/registry\/[^,]*/g,
    to: '$1…',
  },
  {
    why: 'An empty list that may be left out is read as if it were; upstream still knows the difference where it refuses it.',
    from: /(Invalid value: )\[\](?=: )/g,
    to: '$1null',
  },
  {
    why: 'When a field came to be owned, within the text of a message.',
    from: /(\\"time\\":)\\"[^\\"]*\\"/g,
    to: '$1…',
  },
  {
    why: 'Upstream does not note that a reference was set as a whole, for its types have it always, as null if need be.',
    from: /("f:boundObjectRef":\{)"\.":\{\},/g,
    to: '$1',
  },
  {
    why: "How a spec differs is shown in the words of Go's internal types; ours is shown as the API has it. Read by people only.",
    from: /(allow it to be set to 1 if it was previously negative\)|existing ephemeral containers \\"[^"]*\\" may not be changed)\\n(?:[^"\\]|\\.)*/g,
    to: '$1',
  },
  {
    why: "What is no expression at all is described in the words of upstream's parser generator.",
    from: /ERROR: <input>:\d+:\d+: Syntax error: (?:(?!\\n|"[,}\]]|, spec\.|\]").)*(?:\\n \| (?:(?!\\n).)*\\n \| \.*\^)*/g,
    to: 'Syntax error',
  },
];
