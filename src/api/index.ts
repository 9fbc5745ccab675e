/** Every kind that is built in, in the order in which discovery lists groups, versions and resources. */

import { mutatingadmissionpolicies as admissionregistrationV1Mutatingadmissionpolicies } from './admissionregistration/v1/mutatingadmissionpolicy.ts';
import { mutatingadmissionpolicybindings as admissionregistrationV1Mutatingadmissionpolicybindings } from './admissionregistration/v1/mutatingadmissionpolicybinding.ts';
import { mutatingwebhookconfigurations as admissionregistrationV1Mutatingwebhookconfigurations } from './admissionregistration/v1/mutatingwebhookconfiguration.ts';
import { validatingadmissionpolicies as admissionregistrationV1Validatingadmissionpolicies } from './admissionregistration/v1/validatingadmissionpolicy.ts';
import { validatingadmissionpolicybindings as admissionregistrationV1Validatingadmissionpolicybindings } from './admissionregistration/v1/validatingadmissionpolicybinding.ts';
import { validatingwebhookconfigurations as admissionregistrationV1Validatingwebhookconfigurations } from './admissionregistration/v1/validatingwebhookconfiguration.ts';
import { mutatingadmissionpolicies as admissionregistrationV1alpha1Mutatingadmissionpolicies } from './admissionregistration/v1alpha1/mutatingadmissionpolicy.ts';
import { mutatingadmissionpolicybindings as admissionregistrationV1alpha1Mutatingadmissionpolicybindings } from './admissionregistration/v1alpha1/mutatingadmissionpolicybinding.ts';
import { mutatingadmissionpolicies as admissionregistrationV1beta1Mutatingadmissionpolicies } from './admissionregistration/v1beta1/mutatingadmissionpolicy.ts';
import { mutatingadmissionpolicybindings as admissionregistrationV1beta1Mutatingadmissionpolicybindings } from './admissionregistration/v1beta1/mutatingadmissionpolicybinding.ts';
import { customresourcedefinitions as apiextensionsV1Customresourcedefinitions } from './apiextensions/v1/customresourcedefinition.ts';
import { apiservices as apiregistrationV1Apiservices } from './apiregistration/v1/apiservice.ts';
import { controllerrevisions as appsV1Controllerrevisions } from './apps/v1/controllerrevision.ts';
import { daemonsets as appsV1Daemonsets } from './apps/v1/daemonset.ts';
import { deployments as appsV1Deployments } from './apps/v1/deployment.ts';
import { replicasets as appsV1Replicasets } from './apps/v1/replicaset.ts';
import { statefulsets as appsV1Statefulsets } from './apps/v1/statefulset.ts';
import { selfsubjectreviews as authenticationV1Selfsubjectreviews } from './authentication/v1/selfsubjectreview.ts';
import { tokenreviews as authenticationV1Tokenreviews } from './authentication/v1/tokenreview.ts';
import { localsubjectaccessreviews as authorizationV1Localsubjectaccessreviews } from './authorization/v1/localsubjectaccessreview.ts';
import { selfsubjectaccessreviews as authorizationV1Selfsubjectaccessreviews } from './authorization/v1/selfsubjectaccessreview.ts';
import { selfsubjectrulesreviews as authorizationV1Selfsubjectrulesreviews } from './authorization/v1/selfsubjectrulesreview.ts';
import { subjectaccessreviews as authorizationV1Subjectaccessreviews } from './authorization/v1/subjectaccessreview.ts';
import { horizontalpodautoscalers as autoscalingV1Horizontalpodautoscalers } from './autoscaling/v1/horizontalpodautoscaler.ts';
import { horizontalpodautoscalers as autoscalingV2Horizontalpodautoscalers } from './autoscaling/v2/horizontalpodautoscaler.ts';
import { cronjobs as batchV1Cronjobs } from './batch/v1/cronjob.ts';
import { jobs as batchV1Jobs } from './batch/v1/job.ts';
import { certificatesigningrequests as certificatesV1Certificatesigningrequests } from './certificates/v1/certificatesigningrequest.ts';
import { clustertrustbundles as certificatesV1alpha1Clustertrustbundles } from './certificates/v1alpha1/clustertrustbundle.ts';
import { clustertrustbundles as certificatesV1beta1Clustertrustbundles } from './certificates/v1beta1/clustertrustbundle.ts';
import { podcertificaterequests as certificatesV1beta1Podcertificaterequests } from './certificates/v1beta1/podcertificaterequest.ts';
import { leases as coordinationV1Leases } from './coordination/v1/lease.ts';
import { leasecandidates as coordinationV1alpha2Leasecandidates } from './coordination/v1alpha2/leasecandidate.ts';
import { leasecandidates as coordinationV1beta1Leasecandidates } from './coordination/v1beta1/leasecandidate.ts';
import { bindings as coreV1Bindings } from './core/v1/binding.ts';
import { componentstatuses as coreV1Componentstatuses } from './core/v1/componentstatus.ts';
import { configmaps as coreV1Configmaps } from './core/v1/configmap.ts';
import { endpoints as coreV1Endpoints } from './core/v1/endpoints.ts';
import { events as coreV1Events } from './core/v1/event.ts';
import { limitranges as coreV1Limitranges } from './core/v1/limitrange.ts';
import { namespaces as coreV1Namespaces } from './core/v1/namespace.ts';
import { nodes as coreV1Nodes } from './core/v1/node.ts';
import { persistentvolumes as coreV1Persistentvolumes } from './core/v1/persistentvolume.ts';
import { persistentvolumeclaims as coreV1Persistentvolumeclaims } from './core/v1/persistentvolumeclaim.ts';
import { pods as coreV1Pods } from './core/v1/pod.ts';
import { podtemplates as coreV1Podtemplates } from './core/v1/podtemplate.ts';
import { replicationcontrollers as coreV1Replicationcontrollers } from './core/v1/replicationcontroller.ts';
import { resourcequotas as coreV1Resourcequotas } from './core/v1/resourcequota.ts';
import { secrets as coreV1Secrets } from './core/v1/secret.ts';
import { services as coreV1Services } from './core/v1/service.ts';
import { serviceaccounts as coreV1Serviceaccounts } from './core/v1/serviceaccount.ts';
import { endpointslices as discoveryV1Endpointslices } from './discovery/v1/endpointslice.ts';
import { events as eventsV1Events } from './events/v1/event.ts';
import { flowschemas as flowcontrolV1Flowschemas } from './flowcontrol/v1/flowschema.ts';
import { prioritylevelconfigurations as flowcontrolV1Prioritylevelconfigurations } from './flowcontrol/v1/prioritylevelconfiguration.ts';
import { storageversions as internalV1alpha1Storageversions } from './internal/v1alpha1/storageversion.ts';
import type { KindDefinition } from './kind.ts';
import { ingresses as networkingV1Ingresses } from './networking/v1/ingress.ts';
import { ingressclasses as networkingV1Ingressclasses } from './networking/v1/ingressclass.ts';
import { ipaddresses as networkingV1Ipaddresses } from './networking/v1/ipaddress.ts';
import { networkpolicies as networkingV1Networkpolicies } from './networking/v1/networkpolicy.ts';
import { servicecidrs as networkingV1Servicecidrs } from './networking/v1/servicecidr.ts';
import { ipaddresses as networkingV1beta1Ipaddresses } from './networking/v1beta1/ipaddress.ts';
import { servicecidrs as networkingV1beta1Servicecidrs } from './networking/v1beta1/servicecidr.ts';
import { runtimeclasses as nodeV1Runtimeclasses } from './node/v1/runtimeclass.ts';
import { poddisruptionbudgets as policyV1Poddisruptionbudgets } from './policy/v1/poddisruptionbudget.ts';
import { clusterroles as rbacV1Clusterroles } from './rbac/v1/clusterrole.ts';
import { clusterrolebindings as rbacV1Clusterrolebindings } from './rbac/v1/clusterrolebinding.ts';
import { roles as rbacV1Roles } from './rbac/v1/role.ts';
import { rolebindings as rbacV1Rolebindings } from './rbac/v1/rolebinding.ts';
import { deviceclasses as resourceV1Deviceclasses } from './resource/v1/deviceclass.ts';
import { resourceclaims as resourceV1Resourceclaims } from './resource/v1/resourceclaim.ts';
import { resourceclaimtemplates as resourceV1Resourceclaimtemplates } from './resource/v1/resourceclaimtemplate.ts';
import { resourceslices as resourceV1Resourceslices } from './resource/v1/resourceslice.ts';
import { devicetaintrules as resourceV1alpha3Devicetaintrules } from './resource/v1alpha3/devicetaintrule.ts';
import { resourcepoolstatusrequests as resourceV1alpha3Resourcepoolstatusrequests } from './resource/v1alpha3/resourcepoolstatusrequest.ts';
import { deviceclasses as resourceV1beta1Deviceclasses } from './resource/v1beta1/deviceclass.ts';
import { resourceclaims as resourceV1beta1Resourceclaims } from './resource/v1beta1/resourceclaim.ts';
import { resourceclaimtemplates as resourceV1beta1Resourceclaimtemplates } from './resource/v1beta1/resourceclaimtemplate.ts';
import { resourceslices as resourceV1beta1Resourceslices } from './resource/v1beta1/resourceslice.ts';
import { deviceclasses as resourceV1beta2Deviceclasses } from './resource/v1beta2/deviceclass.ts';
import { devicetaintrules as resourceV1beta2Devicetaintrules } from './resource/v1beta2/devicetaintrule.ts';
import { resourceclaims as resourceV1beta2Resourceclaims } from './resource/v1beta2/resourceclaim.ts';
import { resourceclaimtemplates as resourceV1beta2Resourceclaimtemplates } from './resource/v1beta2/resourceclaimtemplate.ts';
import { resourceslices as resourceV1beta2Resourceslices } from './resource/v1beta2/resourceslice.ts';
import { priorityclasses as schedulingV1Priorityclasses } from './scheduling/v1/priorityclass.ts';
import { podgroups as schedulingV1alpha2Podgroups } from './scheduling/v1alpha2/podgroup.ts';
import { workloads as schedulingV1alpha2Workloads } from './scheduling/v1alpha2/workload.ts';
import { csidrivers as storageV1Csidrivers } from './storage/v1/csidriver.ts';
import { csinodes as storageV1Csinodes } from './storage/v1/csinode.ts';
import { csistoragecapacities as storageV1Csistoragecapacities } from './storage/v1/csistoragecapacity.ts';
import { storageclasses as storageV1Storageclasses } from './storage/v1/storageclass.ts';
import { volumeattachments as storageV1Volumeattachments } from './storage/v1/volumeattachment.ts';
import { volumeattributesclasses as storageV1Volumeattributesclasses } from './storage/v1/volumeattributesclass.ts';
import { volumeattributesclasses as storageV1beta1Volumeattributesclasses } from './storage/v1beta1/volumeattributesclass.ts';
import { storageversionmigrations as storagemigrationV1beta1Storageversionmigrations } from './storagemigration/v1beta1/storageversionmigration.ts';

export const builtinKinds: readonly KindDefinition[] = [
  coreV1Bindings,
  coreV1Componentstatuses,
  coreV1Configmaps,
  coreV1Endpoints,
  coreV1Events,
  coreV1Limitranges,
  coreV1Namespaces,
  coreV1Nodes,
  coreV1Persistentvolumeclaims,
  coreV1Persistentvolumes,
  coreV1Pods,
  coreV1Podtemplates,
  coreV1Replicationcontrollers,
  coreV1Resourcequotas,
  coreV1Secrets,
  coreV1Serviceaccounts,
  coreV1Services,
  apiregistrationV1Apiservices,
  appsV1Controllerrevisions,
  appsV1Daemonsets,
  appsV1Deployments,
  appsV1Replicasets,
  appsV1Statefulsets,
  eventsV1Events,
  authenticationV1Selfsubjectreviews,
  authenticationV1Tokenreviews,
  authorizationV1Localsubjectaccessreviews,
  authorizationV1Selfsubjectaccessreviews,
  authorizationV1Selfsubjectrulesreviews,
  authorizationV1Subjectaccessreviews,
  autoscalingV2Horizontalpodautoscalers,
  autoscalingV1Horizontalpodautoscalers,
  batchV1Cronjobs,
  batchV1Jobs,
  certificatesV1Certificatesigningrequests,
  certificatesV1beta1Clustertrustbundles,
  certificatesV1beta1Podcertificaterequests,
  certificatesV1alpha1Clustertrustbundles,
  networkingV1Ingressclasses,
  networkingV1Ingresses,
  networkingV1Ipaddresses,
  networkingV1Networkpolicies,
  networkingV1Servicecidrs,
  networkingV1beta1Ipaddresses,
  networkingV1beta1Servicecidrs,
  policyV1Poddisruptionbudgets,
  rbacV1Clusterrolebindings,
  rbacV1Clusterroles,
  rbacV1Rolebindings,
  rbacV1Roles,
  storageV1Csidrivers,
  storageV1Csinodes,
  storageV1Csistoragecapacities,
  storageV1Storageclasses,
  storageV1Volumeattachments,
  storageV1Volumeattributesclasses,
  storageV1beta1Volumeattributesclasses,
  admissionregistrationV1Mutatingadmissionpolicies,
  admissionregistrationV1Mutatingadmissionpolicybindings,
  admissionregistrationV1Mutatingwebhookconfigurations,
  admissionregistrationV1Validatingadmissionpolicies,
  admissionregistrationV1Validatingadmissionpolicybindings,
  admissionregistrationV1Validatingwebhookconfigurations,
  admissionregistrationV1beta1Mutatingadmissionpolicies,
  admissionregistrationV1beta1Mutatingadmissionpolicybindings,
  admissionregistrationV1alpha1Mutatingadmissionpolicies,
  admissionregistrationV1alpha1Mutatingadmissionpolicybindings,
  apiextensionsV1Customresourcedefinitions,
  schedulingV1Priorityclasses,
  schedulingV1alpha2Podgroups,
  schedulingV1alpha2Workloads,
  coordinationV1Leases,
  coordinationV1beta1Leasecandidates,
  coordinationV1alpha2Leasecandidates,
  nodeV1Runtimeclasses,
  discoveryV1Endpointslices,
  resourceV1Deviceclasses,
  resourceV1Resourceclaims,
  resourceV1Resourceclaimtemplates,
  resourceV1Resourceslices,
  resourceV1beta2Deviceclasses,
  resourceV1beta2Devicetaintrules,
  resourceV1beta2Resourceclaims,
  resourceV1beta2Resourceclaimtemplates,
  resourceV1beta2Resourceslices,
  resourceV1beta1Deviceclasses,
  resourceV1beta1Resourceclaims,
  resourceV1beta1Resourceclaimtemplates,
  resourceV1beta1Resourceslices,
  resourceV1alpha3Devicetaintrules,
  resourceV1alpha3Resourcepoolstatusrequests,
  flowcontrolV1Flowschemas,
  flowcontrolV1Prioritylevelconfigurations,
  internalV1alpha1Storageversions,
  storagemigrationV1beta1Storageversionmigrations,
];
