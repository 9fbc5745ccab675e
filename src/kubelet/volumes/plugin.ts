/** The one interface behind which every kind of volume stands. */
import type { Pod, Volume } from '../../api/core/v1/types.gen.ts';
import type { PodFacts } from '../containers/fields.ts';
import type { KubeletContext } from '../context.ts';

export interface VolumeRequest {
  context: KubeletContext;
  pod: Pod;
  volume: Volume;
  /** Name of its directory; the persistent volume's name for a claim. */
  name: string;
  facts: PodFacts;
  readOnly: boolean;
}

export interface MountedVolume {
  /** What a container's mount binds. */
  path: string;
  /** Content that the kubelet keeps up to date; containers must not write it. */
  managed?: boolean;
  readOnly?: boolean;
  /** Files get the pod's fsGroup. */
  ownership?: boolean;
  /** Group that the volume itself asks for. */
  gid?: number;
  /** Epoch milliseconds by which the content has to be made anew (tokens). */
  refreshAt?: number;
  /** A block device rather than a directory. */
  device?: boolean;
}

export interface VolumePlugin {
  /** As in `kubernetes.io/<name>`. */
  name: string;
  handles(volume: Volume): boolean;
  /** Makes the volume usable, or brings its content up to date: idempotent. Throws what the FailedMount event says. */
  setUp(request: VolumeRequest): Promise<MountedVolume>;
}
