/** ImageLocality: prefers nodes that have the pod's images, the more so the larger they are and the more nodes have them. */
import type { Pod } from '../../api/core/v1/types.gen.ts';
import { maxNodeScore, type ScorePlugin } from '../framework/plugin.ts';

const megabyte = 1024 * 1024;
const smallest = 23 * megabyte;
const largestPerContainer = 1000 * megabyte;

/** A reference without tag means `latest`, as the kubelet reports it. */
const normalized = (image: string): string => (image.lastIndexOf(':') <= image.lastIndexOf('/') ? `${image}:latest` : image);

function imagesOf({ spec }: Pod): string[] {
  const containers = [...(spec.initContainers ?? []), ...spec.containers].map(({ image }) => image);
  const volumes = (spec.volumes ?? []).map((volume) => volume.image?.reference);
  return [...containers, ...volumes].flatMap((image) => (image ? [normalized(image)] : []));
}

export const imageLocality: ScorePlugin = {
  name: 'ImageLocality',
  prepare({ pod }, snapshot) {
    const spread = imagesOf(pod).map((image) => ({ image, share: snapshot.nodesWithImage(image) / snapshot.nodes.length }));
    if (spread.every(({ share }) => share === 0)) return undefined;
    const largest = largestPerContainer * ((pod.spec.initContainers?.length ?? 0) + pod.spec.containers.length);
    return {
      score({ images }) {
        let sum = 0;
        for (const { image, share } of spread) sum += Math.trunc((images.get(image) ?? 0) * share);
        const bounded = Math.min(Math.max(sum, smallest), largest);
        return Math.trunc((maxNodeScore * (bounded - smallest)) / (largest - smallest));
      },
    };
  },
};
