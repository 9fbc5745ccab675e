/** Labels by which a Job's pods are found. */
export const jobNameLabel = 'batch.kubernetes.io/job-name';
export const controllerUidLabel = 'batch.kubernetes.io/controller-uid';
/** Without a prefix, from before labels of the project had one. */
export const legacyJobNameLabel = 'job-name';
export const legacyControllerUidLabel = 'controller-uid';
