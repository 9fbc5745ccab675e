/** Volumes that do nothing any more, and files that hide each other. */
import type { FieldPath } from '../../../../../apimachinery/fieldpath.ts';
import { quote } from '../../../../../apimachinery/fieldpath.ts';
import { claimSpecWarnings } from '../../persistentvolumeclaim/warnings.ts';
import type { Volume, VolumeProjection } from '../../types.gen.ts';

const removed: readonly [keyof Volume, string][] = [
  ['photonPersistentDisk', 'deprecated in v1.11, non-functional in v1.16+'],
  ['gitRepo', 'deprecated in v1.11, and disabled by default in v1.33+'],
  ['scaleIO', 'deprecated in v1.16, non-functional in v1.22+'],
  ['flocker', 'deprecated in v1.22, non-functional in v1.25+'],
  ['storageos', 'deprecated in v1.22, non-functional in v1.25+'],
  ['quobyte', 'deprecated in v1.22, non-functional in v1.25+'],
  ['glusterfs', 'deprecated in v1.25, non-functional in v1.26+'],
  ['cephfs', 'deprecated in v1.28, non-functional in v1.31+'],
  ['rbd', 'deprecated in v1.28, non-functional in v1.31+'],
];

interface File {
  path: string;
  source: string;
}

const shown = ({ path, source }: File): string => (source ? `${quote(path)} (${source})` : quote(path));
const inside = (path: string, folder: string): boolean => `${path}/`.startsWith(`${folder}/`);

/** Each pair of files of which one is the other, or in it. */
function overlaps(files: readonly File[]): string[] {
  if (files.length < 2) return [];
  const before: File[] = [];
  return files.flatMap(({ path, source }) => {
    const file = { path: path.replace(/\/+$/, ''), source };
    const hits = file.path === '' ? [] : before.filter((one) => one.path !== '' && (inside(one.path, file.path) || inside(file.path, one.path)));
    before.push(file);
    return hits.map((hit) => `${shown(file)} with ${shown(hit)}`);
  });
}

const filesOf = (items: readonly { path: string }[] | undefined, source = ''): File[] => (items ?? []).map(({ path }) => ({ path, source }));

function projectedFiles(source: VolumeProjection): File[] {
  const { configMap, secret, downwardAPI, serviceAccountToken: token, clusterTrustBundle: bundle, podCertificate: certificate } = source;
  if (configMap?.items) return filesOf(configMap.items, `ConfigMap ${quote(configMap.name ?? '')}`);
  if (secret?.items) return filesOf(secret.items, `Secret ${quote(secret.name ?? '')}`);
  if (downwardAPI?.items) return filesOf(downwardAPI.items, 'DownwardAPI');
  if (token) return filesOf([token], 'ServiceAccountToken');
  if (bundle) return filesOf([bundle], `ClusterTrustBundle ${quote(bundle.name ?? bundle.signerName ?? '')}`);
  const parts = [
    [certificate?.certificateChainPath, 'chain'],
    [certificate?.keyPath, 'key'],
    [certificate?.credentialBundlePath, 'credential bundle'],
  ] as const;
  return parts.flatMap(([path, what]) => (path ? { path, source: `PodCertificate ${what}` } : []));
}

function overlapWarnings(volume: Volume): string[] {
  const { name, configMap, secret, downwardAPI, projected } = volume;
  if (!configMap && !secret && !downwardAPI && !projected) return [];
  const warn = (files: readonly File[], what: string, source?: string): string[] =>
    overlaps(files).map((pair) => `volume ${quote(name)} (${source === undefined ? what : `${what} ${quote(source)}`}): overlapping paths: ${pair}`);
  const empty = (projected?.sources ?? []).filter((source) => Object.values(source).every((part) => part === undefined));
  return [
    ...warn(filesOf(configMap?.items), 'ConfigMap', configMap?.name ?? ''),
    ...warn(filesOf(secret?.items), 'Secret', secret?.secretName ?? ''),
    ...warn(filesOf(downwardAPI?.items), 'DownwardAPI'),
    ...empty.map(() => `volume ${quote(name)} (Projected) has no sources provided`),
    ...warn((projected?.sources ?? []).flatMap(projectedFiles), 'Projected'),
  ];
}

export function volumeWarnings(volumes: readonly Volume[] | undefined, path: FieldPath): string[] {
  const old = (volumes ?? []).flatMap((volume, index) => {
    const at = path.index(index);
    const claim = volume.ephemeral?.volumeClaimTemplate;
    return [
      ...removed.filter(([kind]) => volume[kind] !== undefined).map(([kind, why]) => `${at.child(kind === 'storageos' ? 'storageOS' : kind)}: ${why}`),
      ...(claim ? claimSpecWarnings(claim.spec, at.child('ephemeral', 'volumeClaimTemplate', 'spec')) : []),
    ];
  });
  return [...old, ...(volumes ?? []).flatMap(overlapWarnings)];
}
