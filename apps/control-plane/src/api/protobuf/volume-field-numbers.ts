/**
 * Field numbers of volumes, claims and storage classes, as in field-numbers.ts. Of a volume's sources only those are
 * here that a volume may have.
 */
export const volumeFieldNumbers: Readonly<Record<string, string>> = {
  'core.v1.LocalVolumeSource': '1:path:string 2:fsType:*string',
  'core.v1.PersistentVolume':
    '1:metadata:meta.v1.ObjectMeta 2:spec:core.v1.PersistentVolumeSpec ' +
    '3:status:core.v1.PersistentVolumeStatus',
  'core.v1.PersistentVolumeClaim':
    '1:metadata:meta.v1.ObjectMeta 2:spec:core.v1.PersistentVolumeClaimSpec ' +
    '3:status:core.v1.PersistentVolumeClaimStatus',
  'core.v1.PersistentVolumeClaimCondition':
    '1:type:string 2:status:string 3:lastProbeTime:time 4:lastTransitionTime:time ' +
    '5:reason:string 6:message:string',
  'core.v1.PersistentVolumeClaimStatus':
    '1:phase:string 2:accessModes:[]string 3:capacity:map:quantity ' +
    '4:conditions:[]core.v1.PersistentVolumeClaimCondition',
  'core.v1.PersistentVolumeSource':
    '3:hostPath:*core.v1.HostPathVolumeSource 20:local:*core.v1.LocalVolumeSource',
  'core.v1.PersistentVolumeSpec':
    '1:capacity:map:quantity 2:~:core.v1.PersistentVolumeSource 3:accessModes:[]string ' +
    '4:claimRef:*core.v1.ObjectReference 5:persistentVolumeReclaimPolicy:string ' +
    '6:storageClassName:string 7:mountOptions:[]string 8:volumeMode:*string ' +
    '9:nodeAffinity:*core.v1.VolumeNodeAffinity 10:volumeAttributesClassName:*string',
  'core.v1.PersistentVolumeStatus': '1:phase:string 2:message:string 3:reason:string',
  'core.v1.TopologySelectorLabelRequirement': '1:key:string 2:values:[]string',
  'core.v1.TopologySelectorTerm':
    '1:matchLabelExpressions:[]core.v1.TopologySelectorLabelRequirement',
  'core.v1.VolumeNodeAffinity': '1:required:*core.v1.NodeSelector',
  'storage.v1.StorageClass':
    '1:metadata:meta.v1.ObjectMeta 2:provisioner:string 3:parameters:map:string ' +
    '4:reclaimPolicy:*string 5:mountOptions:[]string 6:allowVolumeExpansion:*bool ' +
    '7:volumeBindingMode:*string 8:allowedTopologies:[]core.v1.TopologySelectorTerm',
};
