/** The plugins of the default profile, in the order in which they are asked. */

import type { DeviceBinder } from '../devices/reserve.ts';
import type { Profile } from '../framework/decide.ts';
import type { VolumeBinder } from '../volumes/binder.ts';
import { balancedAllocation } from './balancedallocation.ts';
import { createDynamicResources } from './dynamicresources.ts';
import { imageLocality } from './imagelocality.ts';
import { interPodAffinity } from './interpodaffinity.ts';
import { interPodAffinityScore } from './interpodaffinityscore.ts';
import { nodeAffinity, nodeAffinityScore } from './nodeaffinity.ts';
import { nodeName } from './nodename.ts';
import { nodePorts } from './nodeports.ts';
import { leastAllocated, nodeResourcesFit } from './noderesourcesfit.ts';
import { nodeUnschedulable } from './nodeunschedulable.ts';
import { nodeVolumeLimits } from './nodevolumelimits.ts';
import { podTopologySpread } from './podtopologyspread.ts';
import { podTopologySpreadScore } from './podtopologyspreadscore.ts';
import { taintScore, taintToleration } from './tainttoleration.ts';
import { createVolumeBinding } from './volumebinding.ts';
import { volumeRestrictions } from './volumerestrictions.ts';
import { volumeZone } from './volumezone.ts';

export const createDefaultProfile = (binder: VolumeBinder, devices: DeviceBinder): Profile => ({
  filters: [
    nodeUnschedulable,
    nodeName,
    taintToleration,
    nodeAffinity,
    nodePorts,
    nodeResourcesFit,
    volumeRestrictions,
    nodeVolumeLimits,
    createVolumeBinding(binder),
    volumeZone,
    podTopologySpread,
    interPodAffinity,
    createDynamicResources(devices),
  ],
  scores: [taintScore, nodeAffinityScore, leastAllocated, podTopologySpreadScore, interPodAffinityScore, balancedAllocation, imageLocality],
});
